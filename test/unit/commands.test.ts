import { CommandFailure } from "../../cli/command-failure.ts";
import type { CommandGroup } from "../../cli/command-group.ts";
import { failureLine } from "../../cli/failure-line.ts";
import { keysGroup } from "../../cli/keys.ts";
import { tenantsGroup } from "../../cli/tenants.ts";
import { textTable } from "../../cli/text-table.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { commandIo } from "../support/command-io.ts";

const GROUPS: readonly CommandGroup[] = [keysGroup, tenantsGroup];

const failureOf = async (line: string): Promise<unknown> => {
  const [name, ...args] = line.split(" ");
  const printed: string[] = [];
  const tell = (text: string) => void printed.push(text);
  const io = commandIo({ print: tell, note: tell });
  const error: unknown = await GROUPS.find((group) => group.name === name)
    ?.run(args, io)
    .catch((thrown: unknown) => thrown);
  expect(printed).toEqual([]);
  return error;
};

describe("a command", () => {
  test.each<[string, RegExp]>([
    ["keys", /expected one of its commands \(create, list, revoke\), none came/],
    ["keys make", /came "make"/],
    ["keys toString", /came "toString"/],
    ["keys create --scopes read", /^--tenant is needed/],
    ["keys create --tenant demo", /^--scopes is needed/],
    ["keys create --tenant de#mo --scopes read", /^--tenant: expected an id/],
    [
      "keys create --tenant demo --scopes read,all",
      /no scope "all" \(scopes are ingest, read, payload, control, admin\)/,
    ],
    ["keys create --tenant demo --scopes ,", /no scope ""/],
    ["keys create --tenant demo --scopes read --expires-in-days 1.5", /^--expires-in-days: expected a whole number/],
    ["keys create --tenant demo --scopes read --expires-in-days 99999", /^--expires-in-days: expected a whole number/],
    ["keys create --tenant demo --scopes read --days 5", /Unknown option '--days'/],
    ["keys create demo", /expected no argument besides options/],
    ["keys revoke", /expected <key id> besides options/],
    ["keys list --region eu-central-1", /name it with --stage/],
    ["keys list --stage ../prod", /^--stage: expected letters/],
    ["tenants admit", /^--tenant is needed/],
    ["tenants remove", /^--tenant is needed/],
    ["tenants", /expected one of its commands \(admit, list, remove\)/],
  ])("refuses what was not asked for correctly: %s", async (line, reason) => {
    const error = await failureOf(line);

    expect(error).toBeInstanceOf(CommandFailure);
    expect(failureLine(error)).toMatch(reason);
    expect(failureLine(error)).not.toContain("\n");
  });
});

describe("a failure", () => {
  const named = (name: string, message: string, of: object = {}) => Object.assign(new Error(message), { name, ...of });

  test.each<[string, unknown, RegExp | undefined]>([
    [
      "of credentials",
      named("CredentialsProviderError", "Could not\nload"),
      /^no AWS credentials .* \(Could not load\)$/,
    ],
    ["of a region", new Error("Region is missing"), /--region/],
    ["of the network", named("Error", "connect", { code: "ECONNREFUSED" }), /^AWS cannot be reached \(ECONNREFUSED\)$/],
    [
      "that AWS names",
      named("AccessDeniedException", "User: x\n is not", { $metadata: {} }),
      /^AWS refused: AccessDeniedException: User: x is not$/,
    ],
    [
      "of the store",
      new StoreFault("DynamoDB Query failed: X", { cause: named("X", "no", { $metadata: {} }), isRetryable: true }),
      /^DynamoDB Query failed: X: AWS refused: X: no$/,
    ],
    ["of the store without a cause", new StoreFault("too late", { cause: undefined, isRetryable: true }), /^too late$/],
    ["that is a bug", new TypeError("x is not a function"), undefined],
    ["that is no error", "x", undefined],
  ])("%s is told in one line, where a user can put it right", (_, error, line) => {
    if (line === undefined) expect(failureLine(error)).toBeUndefined();
    else expect(failureLine(error)).toMatch(line);
  });
});

test("a table is as wide as its cells, without white space at the ends of lines", () => {
  expect(
    textTable(
      ["A", "LONG HEAD", "C"],
      [
        ["1", "2", "3"],
        ["a long cell", "", ""],
      ],
    ),
  ).toBe(["A            LONG HEAD  C", "1            2          3", "a long cell"].join("\n"));
});
