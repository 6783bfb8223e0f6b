import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { dynamoCredentialStore } from "../../shared/dynamodb/dynamo-credential-store.ts";
import type { Credential } from "../../shared/ports/credential-store.ts";
import { startTables, type Tables } from "../contract/dynamo-tables.ts";
import { type FakeStage, startFakeStage } from "../support/fake-stage.ts";
import { type CliOutcome, runCli } from "../support/run-cli.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

const DAY_MS = 86_400_000;

let stage: FakeStage;
let tables: Tables;
beforeEach(async () => {
  tables = await startTables();
  stage = await startFakeStage();
  stage.stacks.set("runstone-prod-data", { TableName: tables.table.name, BucketName: "objects" });
  stage.stacks.set("runstone-prod-api", { ApiId: "a1", UsagePlans: '{"standard":"plan-s","large":"plan-l"}' });
  stage.plans.set("plan-s", new Set());
  stage.plans.set("plan-l", new Set());
});
afterEach(async () => {
  tables.stop();
  await stage.stop();
});

const cli = (...args: string[]): Promise<CliOutcome> =>
  runCli(args, {
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL: stage.url,
    AWS_ENDPOINT_URL_DYNAMODB: testEndpoints().dynamodb,
  });
const onProd = (...args: string[]) => cli(...args, "--stage", "prod");
const expectFailure = (outcome: CliOutcome, line: RegExp): void => {
  expect(outcome).toEqual({ code: 1, out: "", err: expect.stringMatching(line) });
  expect(outcome.err.trimEnd().split("\n")).toHaveLength(1);
};

describe("on a deployed stage", () => {
  test("keys are kept in the table that its stack names", async () => {
    const made = await onProd("keys", "create", "--tenant", "acme", "--scopes", "read", "--json");
    expect(made.code).toBe(0);
    const { key_id } = JSON.parse(made.out);

    const listed = await onProd("keys", "list", "--json");
    expect(JSON.parse(listed.out)).toMatchObject({ data: [{ key_id, tenant_id: "acme" }] });

    const revoked = await onProd("keys", "revoke", key_id);
    expect(revoked).toMatchObject({ code: 0, out: expect.stringContaining("within 60 seconds") });
  });

  test("a key of a tenant that was not admitted is made with one line of advice beside it", async () => {
    const create = ["keys", "create", "--tenant", "acme", "--scopes", "read"];
    const advice =
      /^Tenant acme was not admitted: it shares the limit of .*: npm run cli -- tenants admit --tenant acme --stage prod\n$/;

    const made = await onProd(...create);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^rk_/m), err: expect.stringMatching(advice) });
    const json = await onProd(...create, "--json");
    expect(json).toMatchObject({ code: 0, err: expect.stringMatching(advice) });
    expect(JSON.parse(json.out)).toMatchObject({ key: expect.stringMatching(/^rk_/) });

    await onProd("tenants", "admit", "--tenant", "acme", "--plan", "large");
    expect(await onProd(...create)).toMatchObject({ code: 0, err: "" });
    stage.stacks.set("runstone-prod-api", { UsagePlans: '{"standard":"plan-s"}' });
    expect((await onProd(...create, "--region", "eu-central-1")).err).toMatch(
      /^Tenant acme was admitted to a plan that stage prod no longer has: .* --stage prod --region eu-central-1\n$/,
    );
    stage.stacks.set("runstone-prod-api", { ApiId: "a1" });
    expect(await onProd(...create)).toMatchObject({ code: 0, err: "" });
  });

  test("keys that are older than the stage accepts are listed as too old", async () => {
    stage.stacks.set("runstone-prod-api", { ApiId: "a1", LongestKeyDays: "90" });
    const store = dynamoCredentialStore(tables.table);
    const put = (letter: string, of: Partial<Credential>) =>
      store.put(letter.repeat(64), {
        tenantId: v.parse(TenantId, "acme"),
        scopes: ["read"],
        name: "",
        createdAt: Date.now() - 91 * DAY_MS,
        expiresAt: undefined,
        revokedAt: undefined,
        lastUsedOn: undefined,
        ...of,
      });
    await put("a", {});
    await put("b", { createdAt: Date.now() - 89 * DAY_MS });
    await put("c", { expiresAt: Date.now() - DAY_MS });
    await put("d", { revokedAt: Date.now() });
    const statesOf = async () => {
      const { data } = JSON.parse((await onProd("keys", "list", "--json")).out) as { data: { state: string }[] };
      return data.map(({ state }) => state);
    };

    expect(await statesOf()).toEqual(["too_old", "good", "expired", "revoked"]);
    expect((await onProd("keys", "list")).out).toMatch(/^a{16} .* too old$/m);
    const made = await onProd("keys", "create", "--tenant", "acme", "--scopes", "read");
    expect(made.out).toContain("expires  never (stage prod refuses keys older than 90 days)");
    stage.stacks.set("runstone-prod-api", { ApiId: "a1" });
    expect((await statesOf()).slice(0, 2)).toEqual(["good", "good"]);
  });

  test("a tenant that is admitted has a usage key of its own in the plan, whatever is repeated", async () => {
    stage.usageKeys.push(
      ...["acme-2", "acme-3", "acme."].map((id) => ({ id, name: `runstone-prod-tenant-${id}`, value: "x".repeat(20) })),
    );
    for (let times = 0; times < 2; times++) {
      const admitted = await onProd("tenants", "admit", "--tenant", "acme");
      expect(admitted).toMatchObject({ code: 0, err: "", out: expect.stringContaining('the plan "standard"') });
    }

    const own = stage.usageKeys.filter(({ name }) => name === "runstone-prod-tenant-acme");
    expect(own).toMatchObject([{ value: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(stage.plans.get("plan-s")).toEqual(new Set([own[0]?.id]));

    const listed = await onProd("tenants", "list", "--json");
    expect(JSON.parse(listed.out)).toEqual({
      data: [{ tenant_id: "acme", plan: "standard", limit: "own", admitted_at: expect.stringMatching(/Z$/) }],
    });
    expect(listed.out).not.toContain(own[0]?.value);
  });

  test("a tenant moves to another plan of the stage, and keeps its key", async () => {
    stage.plans.set("plan-of-somebody-else", new Set());
    await onProd("tenants", "admit", "--tenant", "acme");
    const [key] = stage.usageKeys;

    const moved = await onProd("tenants", "admit", "--tenant", "acme", "--plan", "large");

    expect(moved).toMatchObject({ code: 0, err: "" });
    expect(stage.usageKeys).toEqual([key]);
    expect([...stage.plans].map(([id, keys]) => [id, [...keys]])).toEqual([
      ["plan-s", []],
      ["plan-l", [key?.id]],
      ["plan-of-somebody-else", []],
    ]);
    expect((await onProd("tenants", "list")).out).toMatch(/^acme +large +\d{4}-\d\d-\d\d +own$/m);
  });

  test("a plan that the stage does not have is refused, with those that it has", async () => {
    for (const plan of ["huge", "toString"]) {
      expectFailure(
        await onProd("tenants", "admit", "--tenant", "acme", "--plan", plan),
        /^--plan: stage prod has no plan .* \(it has standard, large\)/,
      );
    }
    expect(stage.usageKeys).toEqual([]);
  });

  test("without limits there is nothing to admit to", async () => {
    stage.stacks.set("runstone-prod-api", { ApiId: "a1" });

    const admitted = await onProd("tenants", "admit", "--tenant", "acme");

    expect(admitted).toMatchObject({
      code: 0,
      out: expect.stringContaining("Nothing to do: stage prod has no limits"),
    });
  });

  test("that is not there is named, with its region", async () => {
    const outcome = await cli("keys", "list", "--stage", "test", "--region", "us-east-1");

    expectFailure(outcome, /^stage test is not deployed in us-east-1: there is no stack runstone-test-data/);
  });

  test("whose stack does not name what is needed is told so", async () => {
    stage.stacks.set("runstone-prod-data", {});

    expectFailure(await onProd("keys", "list"), /^stage prod has no TableName/);
  });

  test("needs credentials and a region", async () => {
    const nothing = {
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/none",
      AWS_SHARED_CREDENTIALS_FILE: "/none",
    };
    const listing = ["keys", "list", "--stage", "prod"];

    expectFailure(await runCli(listing, nothing), /^no AWS region is set; use --region/);
    expectFailure(await runCli([...listing, "--region", "eu-central-1"], nothing), /^no AWS credentials could be had/);
  });
});
