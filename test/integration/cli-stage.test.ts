import { startTables, type Tables } from "../contract/dynamo-tables.ts";
import { type FakeStage, startFakeStage } from "../support/fake-stage.ts";
import { type CliOutcome, runCli } from "../support/run-cli.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

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
    expect(made).toMatchObject({ code: 0, err: "" });
    const { key_id } = JSON.parse(made.out);

    const listed = await onProd("keys", "list", "--json");
    expect(JSON.parse(listed.out)).toMatchObject({ data: [{ key_id, tenant_id: "acme" }] });

    const revoked = await onProd("keys", "revoke", key_id);
    expect(revoked).toMatchObject({ code: 0, out: expect.stringContaining("within 60 seconds") });
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
      data: [{ tenant_id: "acme", plan: "standard", admitted_at: expect.stringMatching(/Z$/) }],
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
    expect((await onProd("tenants", "list")).out).toMatch(/^acme +large +\d{4}-\d\d-\d\d$/m);
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
