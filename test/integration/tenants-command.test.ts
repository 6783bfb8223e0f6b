import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import * as v from "valibot";
import { tenantsGroup } from "../../cli/tenants.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { dynamoTenantStore } from "../../shared/dynamodb/dynamo-tenant-store.ts";
import type { TenantStore } from "../../shared/ports/tenant-store.ts";
import { startTables, type Tables } from "../contract/dynamo-tables.ts";
import { commandIo } from "../support/command-io.ts";
import { type FakeStage, startFakeStage } from "../support/fake-stage.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

const ACME = v.parse(TenantId, "acme");
const NOW = Date.parse("2026-11-22T12:00:00.000Z");
const before = { ...process.env };

let stage: FakeStage;
let tables: Tables;
let tenants: TenantStore;
let notes: string[];
let pauses: number[];
/** What the command finds while it waits. */
let whileWaiting: () => Promise<void>;

beforeEach(async () => {
  tables = await startTables();
  tenants = dynamoTenantStore(tables.table);
  stage = await startFakeStage();
  stage.stacks.set("runstone-prod-data", { TableName: tables.table.name });
  havePlans({ standard: "plan-s", large: "plan-l" });
  notes = [];
  pauses = [];
  whileWaiting = async () => undefined;
  // An address for each service: with one for all of them, AWS_ENDPOINT_URL, the stage would be on an emulator.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL_API_GATEWAY: stage.url,
    AWS_ENDPOINT_URL_CLOUDFORMATION: stage.url,
    AWS_ENDPOINT_URL_DYNAMODB: testEndpoints().dynamodb,
  });
});
afterEach(async () => {
  process.env = { ...before };
  tables.stop();
  await stage.stop();
});

/** Deploys the stage with these plans: those that stay keep their keys, others begin without any. */
const havePlans = (planIds: Record<string, string> | undefined): void => {
  const outputs = planIds === undefined ? {} : { UsagePlans: JSON.stringify(planIds) };
  stage.stacks.set("runstone-prod-api", { ApiId: "a1", ...outputs });
  const ids = Object.values(planIds ?? {});
  for (const id of stage.plans.keys()) if (!ids.includes(id)) stage.plans.delete(id);
  for (const id of ids) if (!stage.plans.has(id)) stage.plans.set(id, new Set());
};

const run = async (...args: string[]): Promise<string> => {
  const printed: string[] = [];
  const io = commandIo({
    now: () => NOW,
    print: (text) => void printed.push(text),
    note: (line) => void notes.push(line),
    pause: async (seconds) => {
      pauses.push(seconds);
      await whileWaiting();
    },
  });
  await tenantsGroup.run([...args, "--stage", "prod"], io);
  return printed.join("\n");
};
const admit = (...args: string[]): Promise<string> => run("admit", "--tenant", "acme", ...args);
const remove = (...args: string[]): Promise<string> => run("remove", "--tenant", "acme", ...args);
const secondsWaited = (): number => pauses.reduce((sum, seconds) => sum + seconds, 0);
const keysIn = (planId: string): string[] => [...(stage.plans.get(planId) ?? [])];
const keyId = (): string | undefined => stage.usageKeys[0]?.id;

describe("a tenant that is admitted for the first time", () => {
  test("shares the limit until API Gateway knows its key, with a line of progress", async () => {
    whileWaiting = async () => {
      expect(keysIn("plan-s")).toEqual([keyId()]);
      expect(await tenants.find(ACME)).toBeUndefined();
    };

    await admit();

    expect(secondsWaited()).toBe(60);
    expect(notes).toEqual([60, 45, 30, 15].map((left) => expect.stringContaining(`Waiting ${left} s until API`)));
    expect(await tenants.find(ACME)).toMatchObject({ plan: "standard", usageKey: stage.usageKeys[0]?.value });
  });

  test("is not waited for where that is asked, and what that means is said", async () => {
    expect(await admit("--no-wait")).toMatch(/may fail\.$/);

    expect([pauses, notes]).toEqual([[], []]);
    expect(await tenants.find(ACME)).toMatchObject({ plan: "standard" });
  });

  test("is admitted by the same command again, where it was interrupted", async () => {
    const cli = join(__dirname, "../../cli/cli.ts");
    const args = [cli, "tenants", "admit", "--tenant", "acme", "--stage", "prod"];
    // Jest's `process.env` is a copy, which processes do not inherit by themselves.
    const child = spawn(process.execPath, args, { env: { ...process.env }, stdio: ["ignore", "ignore", "pipe"] });
    const [line] = (await once(child.stderr, "data")) as [Buffer];
    child.kill("SIGINT");
    const [, signal] = await once(child, "exit");

    expect(line.toString()).toMatch(/^Waiting 60 s .*Ctrl-C/);
    expect(signal).toBe("SIGINT");
    expect(keysIn("plan-s")).toEqual([keyId()]);
    expect(await tenants.find(ACME)).toBeUndefined();

    await admit();
    expect(stage.usageKeys).toHaveLength(1);
    expect(await tenants.find(ACME)).toMatchObject({ usageKey: stage.usageKeys[0]?.value });
  });
});

describe("a tenant that was admitted before", () => {
  beforeEach(async () => {
    await admit();
    pauses = [];
  });

  test("is moved, and repeated, without a wait", async () => {
    await admit("--plan", "large");
    await admit("--plan", "large");

    expect(pauses).toEqual([]);
    expect(keysIn("plan-l")).toEqual([keyId()]);
  });

  test("is put into the new plan, with the same key, after limits were off and are on again", async () => {
    const [key] = stage.usageKeys;
    havePlans(undefined);
    havePlans({ standard: "plan-new" });
    expect(keysIn("plan-new")).toEqual([]);

    await admit();

    expect(pauses).toEqual([]);
    expect(stage.usageKeys).toEqual([key]);
    expect(keysIn("plan-new")).toEqual([key?.id]);
  });

  test("is waited for after its plan is gone: it has shared the limit since", async () => {
    havePlans({ standard: "plan-s", big: "plan-b" });
    await admit("--plan", "big");
    expect(pauses).toEqual([]);
    havePlans({ standard: "plan-s" });

    await admit();

    expect(secondsWaited()).toBe(60);
    expect(await tenants.find(ACME)).toMatchObject({ plan: "standard" });
  });

  test("is listed with the limit that holds for it", async () => {
    const limits = async () => [
      (await run("list")).split("\n").at(-1),
      JSON.parse(await run("list", "--json")).data.map(({ limit }: { limit: string }) => limit),
    ];

    expect(await limits()).toEqual([expect.stringMatching(/^acme +standard +2026-11-22 +own$/), ["own"]]);
    havePlans({ large: "plan-l" });
    expect(await limits()).toEqual([expect.stringMatching(/ shared: the stage has no such plan$/), ["shared"]]);
    havePlans(undefined);
    expect(await limits()).toEqual([expect.stringMatching(/ none: the stage has no limits$/), ["none"]]);
  });
});

describe("a tenant that is removed", () => {
  beforeEach(async () => {
    await admit();
    await run("admit", "--tenant", "acme-2");
    [pauses, notes] = [[], []];
  });

  test("shares the limit at once, and loses its key when API Gateway has forgotten it", async () => {
    stage.authorizerCacheSeconds = 120;
    whileWaiting = async () => {
      expect(await tenants.find(ACME)).toBeUndefined();
      expect(stage.usageKeys).toHaveLength(2);
    };

    const told = await remove();

    expect(told).toMatch(/^Tenant acme has no limits of its own any more: it shares the limit of all/);
    expect(secondsWaited()).toBe(125);
    expect(notes[0]).toMatch(/^Waiting 125 s until API Gateway has forgotten/);
    expect(stage.usageKeys.map(({ name }) => name)).toEqual(["runstone-prod-tenant-acme-2"]);
    expect((await tenants.list()).map(({ tenantId }) => tenantId)).toEqual(["acme-2"]);
  });

  test("is removed once, whatever is repeated", async () => {
    await remove("--no-wait");

    expect(await remove()).toBe("Tenant acme was not admitted to stage prod; nothing has changed.");
    expect(pauses).toEqual([]);
    expect(stage.usageKeys).toHaveLength(1);
  });

  test("is removed whole by the same command, where it was interrupted", async () => {
    await tenants.remove(ACME);

    expect(await remove()).toMatch(/^Tenant acme has no limits of its own any more/);

    expect(stage.usageKeys.map(({ name }) => name)).toEqual(["runstone-prod-tenant-acme-2"]);
  });

  test("is removed without a wait where the stage no longer has limits", async () => {
    havePlans(undefined);

    expect(await remove()).toMatch(/stage prod has no limits by tenant\. Its API keys stay good\.$/);

    expect(pauses).toEqual([]);
    expect(stage.usageKeys).toHaveLength(1);
  });

  test("can be admitted anew", async () => {
    await remove("--no-wait");
    await admit("--no-wait");

    expect(await tenants.find(ACME)).toMatchObject({ plan: "standard" });
    expect(keysIn("plan-s")).toHaveLength(2);
  });
});
