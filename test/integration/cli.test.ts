import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedStack, startEmbeddedStack } from "../support/embedded-stack.ts";
import { type CliOutcome, runCli } from "../support/run-cli.ts";

/** That a command failed as users are promised: with exit code 1 and one line that says why, and nothing else. */
const expectFailure = (outcome: CliOutcome, line: RegExp): void => {
  expect(outcome).toEqual({ code: 1, out: "", err: expect.stringMatching(line) });
  expect(outcome.err.trimEnd().split("\n")).toHaveLength(1);
};

describe("the command line", () => {
  const nowhere = { RUNSTONE_DATA_DIR: join(tmpdir(), "runstone-is-not-here") };

  test("says what there is to do", async () => {
    const help = await runCli(["--help"], nowhere);

    expect(help).toMatchObject({ code: 0, err: "" });
    for (const group of ["keys", "tenants"]) {
      expect(help.out).toContain(group);
      const own = await runCli([group, "--help"], nowhere);
      expect(own).toMatchObject({ code: 0, err: "", out: expect.stringContaining(`npm run cli -- ${group} `) });
    }
  });

  test.each([[], ["nonsense"]])("shows its help as an error for what it does not know: %j", async (...args) => {
    expect(await runCli(args, nowhere)).toMatchObject({ code: 1, out: "", err: expect.stringContaining("Usage:") });
  });

  test("says in one line what was wrong", async () => {
    expectFailure(await runCli(["keys", "create", "--tenant", "demo"], nowhere), /^--scopes is needed/);
    expectFailure(await runCli(["keys", "list"], nowhere), /is not running .*: start it with `npm start`, or name a/);
  });

  test("tells a stack that has ended from one that runs", async () => {
    const directory = mkdtempSync(join(tmpdir(), "runstone-cli-"));
    const dead = "http://127.0.0.1:1";
    const local = {
      api_url: dead,
      queue_url: dead,
      table_name: "runstone",
      bucket_name: null,
      endpoints: { dynamodb: dead, sqs: dead, s3: null },
      keys: { demo: "", acme: "" },
      pid: 1,
    };
    writeFileSync(join(directory, "local.json"), JSON.stringify(local));
    expectFailure(await runCli(["keys", "list"], { RUNSTONE_DATA_DIR: directory }), /is not running/);

    writeFileSync(join(directory, "local.json"), "{}");
    expectFailure(await runCli(["keys", "list"], { RUNSTONE_DATA_DIR: directory }), /is not what a stack writes/);
    rmSync(directory, { recursive: true });
  });
});

describe("on the embedded stack", () => {
  let stack: EmbeddedStack;
  beforeAll(async () => {
    stack = await startEmbeddedStack();
  });
  afterAll(() => stack.stop());

  const cli = (...args: string[]) => runCli(args, { RUNSTONE_DATA_DIR: stack.directory });
  const jsonOf = async (...args: string[]) => {
    const { code, out, err } = await cli(...args, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return JSON.parse(out);
  };
  const ask = (key: string, init: RequestInit = {}) =>
    fetch(`${stack.local.api_url}/v1/apps`, { ...init, headers: { authorization: `Bearer ${key}` } });
  const today = () => new Date().toISOString().slice(0, 10);

  test("a key is made, used, listed with its last use, and revoked for good", async () => {
    const made = await jsonOf("keys", "create", "--tenant", "shop", "--scopes", "read, ingest", "--name", "till 7");
    expect(made).toEqual({
      key: expect.stringMatching(/^rk_[\w-]{43}$/),
      key_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      tenant_id: "shop",
      scopes: ["ingest", "read"],
      name: "till 7",
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      expires_at: null,
      last_used_on: null,
      revoked_at: null,
      state: "good",
    });
    const { key, ...listed } = made;
    expect(await jsonOf("keys", "list", "--tenant", "shop")).toEqual({ data: [listed] });

    expect((await ask(key)).status).toBe(200);
    expect((await ask(key)).status).toBe(200);

    const used = { ...listed, last_used_on: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) };
    expect(await jsonOf("keys", "list", "--tenant", "shop")).toEqual({ data: [used] });

    const revoked = await cli("keys", "revoke", made.key_id);
    expect(revoked).toMatchObject({ code: 0, err: "" });
    expect(revoked.out).toBe(`Key ${made.key_id} of tenant shop is revoked. It is refused from now on.\n`);
    expect((await ask(key)).status).toBe(401);

    const again = await cli("keys", "revoke", made.key_id);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("was revoked before") });
    const { data } = await jsonOf("keys", "list", "--tenant", "shop");
    expect(data).toEqual([{ ...used, revoked_at: expect.stringMatching(/^\d{4}-.*Z$/), state: "revoked" }]);
  });

  test("a key allows what its scopes say, and nothing of another tenant", async () => {
    const { key } = await jsonOf("keys", "create", "--tenant", "shop-2", "--scopes", "ingest");

    expect((await ask(key)).status).toBe(403);
  });

  test("a new key stands on a line of its own, and is shown never again", async () => {
    const { code, out } = await cli(
      "keys",
      "create",
      "--tenant",
      "shop-3",
      "--scopes",
      "read",
      "--expires-in-days",
      "90",
    );

    expect(code).toBe(0);
    const [key = ""] = /^rk_[\w-]{43}$/m.exec(out) ?? [];
    expect((await ask(key)).status).toBe(200);
    const expires = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
    expect(out).toContain(`expires  ${expires}`);

    const table = await cli("keys", "list");
    expect(table.out).toMatch(/^KEY ID +TENANT +SCOPES +NAME +CREATED +EXPIRES +LAST USED +STATE$/m);
    const row = new RegExp(`^[0-9a-f]{16} +shop-3 +read +- +${today()} +${expires} +${today()} +good$`, "m");
    expect(table.out).toMatch(row);
    expect(table.out).toMatch(/^[0-9a-f]{16} +demo +ingest,read,payload,control,admin +demo \(embedded stack\)/m);
    expect(table.out).not.toContain(key.slice(3));
  });

  test("a key that nobody has cannot be revoked", async () => {
    for (const id of ["0123456789abcdef", "demo", ""]) {
      expectFailure(await cli("keys", "revoke", id), /^the embedded stack has no key "/);
    }
  });

  test("there are no keys of a tenant that has none", async () => {
    expect(await cli("keys", "list", "--tenant", "nobody")).toMatchObject({
      code: 0,
      out: "There are no keys of tenant nobody.\n",
    });
    expect(await jsonOf("keys", "list", "--tenant", "nobody")).toEqual({ data: [] });
  });

  test("there are no limits, so nobody has to be admitted", async () => {
    const admitted = await cli("tenants", "admit", "--tenant", "shop");

    expect(admitted).toMatchObject({
      code: 0,
      out: expect.stringContaining("Nothing to do: the embedded stack has no limits"),
    });
    expect((await cli("tenants", "list")).out).toBe("No tenant of the embedded stack has limits of its own.\n");
    expect((await cli("tenants", "remove", "--tenant", "shop")).out).toMatch(/^Nothing to do: the embedded stack has/);
  });
});
