import { randomBytes, randomUUID } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import * as v from "valibot";
import { quarantineGroup } from "../../cli/quarantine.ts";
import { ensureBucket } from "../../local/resources.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { quarantineIdOf } from "../../shared/domain/quarantine.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoQuarantineStore } from "../../shared/dynamodb/dynamo-quarantine-store.ts";
import type { QuarantineStore, RefusedMessage } from "../../shared/ports/quarantine-store.ts";
import { s3BlobStore } from "../../shared/s3/s3-blob-store.ts";
import { announceService } from "../support/announced-service.ts";
import { commandIo } from "../support/command-io.ts";
import { eventText, ofTenant } from "../support/event-text.ts";
import { type FakeStage, startFakeStage } from "../support/fake-stage.ts";
import { quarantined } from "../support/quarantine.ts";
import { type Service, startService } from "../support/service.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

const NOW = Date.parse("2026-11-22T12:00:00Z");
const DAY_MS = 86_400_000;
const demo = v.parse(TenantId, "demo");

const before = { ...process.env };
let service: Service;
let stage: FakeStage;
let store: QuarantineStore;
let printed: string[];

beforeAll(async () => {
  service = await startService();
  stage = await startFakeStage();
  const bucket = `quarantine-${randomUUID()}`;
  stage.stacks.set("runstone-dev-data", { TableName: service.tableName, BucketName: bucket });
  stage.stacks.set("runstone-dev-ingest", { RetentionDays: "90" });
  const { s3: endpoint, dynamodb } = testEndpoints();
  Object.assign(process.env, {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_CLOUDFORMATION: stage.url,
  });
  const s3 = new S3Client({ forcePathStyle: true });
  await ensureBucket(s3, bucket);
  s3.destroy();
  const credentials = () => ({ accessKeyId: "local", secretAccessKey: "local" });
  const blobs = s3BlobStore({ bucket, region: "us-east-1", endpoint, credentials });
  store = dynamoQuarantineStore(tableOf(service.dynamodb, service.tableName), blobs);
});
beforeEach(() => {
  printed = [];
});
afterEach(async () => {
  for (const owner of [demo, undefined]) {
    for (const message of await quarantined(store, owner)) await store.remove(owner, message);
  }
});
afterAll(async () => {
  process.env = { ...before };
  service.stop();
  await stage.stop();
});

let now = NOW;
const run = async (...args: string[]): Promise<string> => {
  printed = [];
  const io = commandIo({ environment: process.env, now: () => now, print: (line) => void printed.push(line) });
  await quarantineGroup.run([...args, "--stage", "dev"], io);
  return printed.join("\n");
};
afterEach(() => {
  now = NOW;
});

let messages = 0;
/** Keeps a refused message; gives its id. */
const keep = async (more: Partial<RefusedMessage> = {}): Promise<string> => {
  const refused = {
    tenantId: demo,
    messageId: `message-${++messages}`,
    index: 0,
    sentAt: NOW - 60_000 + messages,
    runId: "run-1",
    code: "AT_IN_FUTURE",
    errors: [{ path: "at", message: "expected another" }],
    body: ofTenant("demo", eventText("run.started")),
    ...more,
  };
  await store.put(refused);
  return quarantineIdOf(refused);
};
const early = (run_id: string): Partial<RefusedMessage> => ({
  runId: run_id,
  body: ofTenant("demo", eventText("run.started", { run_id, at: "2026-11-23T18:00:00Z" })),
});
const runOf = async (run_id: string) => service.get({ resource: "/v1/runs/{run_id}", path: { run_id } });

describe("quarantine list", () => {
  test("says that there is nothing", async () => {
    expect(await run("list")).toBe("There is nothing in the operator's quarantine.");
    expect(await run("list", "--tenant", "demo")).toBe("There is nothing in the quarantine of tenant demo.");
  });

  test("shows the operator's own, and a tenant's by its name", async () => {
    const nobodys = await keep({
      tenantId: undefined,
      index: undefined,
      runId: undefined,
      code: "NOT_JSON",
      errors: [],
    });
    const tenants = await keep();

    const own = (await run("list")).split("\n");
    const demos = (await run("list", "--tenant", "demo")).split("\n");

    expect(own.map((line) => line.split(/\s+/)[0])).toEqual(["ID", nobodys]);
    expect(own[1]).toMatch(/ 2026-11-22T11:59:00\.\d{3}Z {2}- {4}NOT_JSON {2}-$/);
    expect(demos.map((line) => line.split(/\s+/)[0])).toEqual(["ID", tenants]);
    expect(demos[1]).toMatch(/ run-1 {2}AT_IN_FUTURE {2}at: expected another$/);
  });

  test("shows newest first, so many at a time, and where to go on", async () => {
    const ids = [await keep(), await keep(), await keep()].reverse();

    const first = await run("list", "--tenant", "demo", "--limit", "2");
    const second = await run("list", "--tenant", "demo", "--limit", "2", "--after", ids[1] ?? "");
    const end = await run("list", "--tenant", "demo", "--after", ids[2] ?? "");

    expect(first).toContain(`There is more: --after ${ids[1]}`);
    expect(ids.filter((id) => first.includes(id))).toEqual(ids.slice(0, 2));
    expect(ids.filter((id) => second.includes(id))).toEqual(ids.slice(2));
    expect(second).not.toContain("There is more");
    expect(end).toBe("There is nothing more in the quarantine of tenant demo.");
  });

  test("tells machines all but the body", async () => {
    const id = await keep({
      errors: [
        { path: "a", message: "b" },
        { path: "c", message: "d" },
      ],
    });

    expect(JSON.parse(await run("list", "--tenant", "demo", "--json"))).toEqual({
      data: [
        {
          id,
          tenant_id: "demo",
          message_id: `message-${messages}`,
          index: 0,
          sent_at: new Date(NOW - 60_000 + messages).toISOString(),
          expires_at: "2026-12-06T11:59:00.000Z",
          run_id: "run-1",
          code: "AT_IN_FUTURE",
          errors: [
            { path: "a", message: "b" },
            { path: "c", message: "d" },
          ],
        },
      ],
      next: null,
    });
  });

  test("does not let a producer's names move the terminal", async () => {
    await keep({
      runId: "\u001b[2J",
      errors: [
        { path: "\u001b[31m", message: "x".repeat(200) },
        { path: "", message: "" },
      ],
    });

    const shown = await run("list", "--tenant", "demo");

    expect(shown).not.toContain("\u001b");
    expect(shown).toContain("… (and 1 more)");
  });

  test("leaves out what has expired", async () => {
    await keep();
    now = NOW + 14 * DAY_MS;

    expect(await run("list", "--tenant", "demo")).toBe("There is nothing in the quarantine of tenant demo.");
  });

  test.each([
    [["--tenant", "a#b"], "--tenant: expected an id"],
    [["--limit", "0"], "--limit: expected a whole number from 1 to 1000"],
    [["--after", "x"], 'expected an id of the list, came "x"'],
  ])("refuses %j", async (args, message) => {
    await expect(run("list", ...args)).rejects.toThrow(message);
  });
});

describe("quarantine show", () => {
  test.each([
    ["short", '{"n" : 1.0, "s":"é"'],
    ["large", randomBytes(400_000).toString("base64")],
  ])("prints the body as it was sent, and nothing else: a %s one", async (_what, body) => {
    const id = await keep({ tenantId: undefined, index: undefined, body });

    expect((await run("show", id)) === body).toBe(true);
    expect(JSON.parse(await run("show", id, "--json"))).toMatchObject({ id, tenant_id: null, index: null, body });
  });

  test("shows a tenant's by the tenant's name only", async () => {
    const id = await keep({ body: "{}" });

    expect(await run("show", id, "--tenant", "demo")).toBe("{}");
    await expect(run("show", id)).rejects.toThrow(`the operator's quarantine has no ${id}; a tenant's needs --tenant`);
    await expect(run("show", id, "--tenant", "acme")).rejects.toThrow(`the quarantine of tenant acme has no ${id}`);
  });

  test("does not know what has expired, or is no id", async () => {
    const id = await keep();
    now = NOW + 14 * DAY_MS;

    await expect(run("show", id, "--tenant", "demo")).rejects.toThrow("has no");
    await expect(run("show", "x")).rejects.toThrow('expected an id of the list, came "x"');
    await expect(run("show")).rejects.toThrow("expected <id>");
  });
});

describe("quarantine redrive", () => {
  test("records a tenant's event again, and keeps the run as long as the stage keeps runs", async () => {
    const id = await keep(early("redriven"));
    now = NOW + DAY_MS;

    expect(await run("redrive", id, "--tenant", "demo")).toBe("Recorded, as an event of the run redriven.");

    expect(await quarantined(store, demo)).toEqual([]);
    expect((await runOf("redriven")).json).toMatchObject({
      status: "running",
      expires_at: new Date(NOW + 91 * DAY_MS).toISOString(),
    });
    await expect(run("redrive", id, "--tenant", "demo")).rejects.toThrow("has no");
  });

  test("fails with the reasons where it is still refused", async () => {
    const id = await keep({ body: ofTenant("demo", eventText("run.finished", { status: "done", at: "never" })) });

    await expect(run("redrive", id, "--tenant", "demo")).rejects.toThrow(
      /^still refused, INVALID_EVENT: at: expected .*; status: expected /,
    );
    expect(await quarantined(store, demo)).toMatchObject([{ code: "INVALID_EVENT" }]);
  });

  test("records all that is good now, however many there are", async () => {
    for (let n = 0; n < 520; n++) await keep({ ...early(`run-${n % 3}`), index: n });
    await keep({ body: ofTenant("demo", eventText("run.finished", { status: "done" })) });
    now = NOW + DAY_MS;

    expect(await run("redrive", "--all", "--tenant", "demo")).toBe("520 recorded, 1 still refused.");
    expect(await quarantined(store, demo)).toHaveLength(1);
  });

  test("is for a tenant's events alone", async () => {
    const id = await keep({ tenantId: undefined });

    await expect(run("redrive", id)).rejects.toThrow("--tenant is needed");
    await expect(run("redrive", "--all")).rejects.toThrow("--tenant is needed");
    await expect(run("redrive", id, "--tenant", "demo")).rejects.toThrow("has no");
    await expect(run("redrive", "--all", id, "--tenant", "demo")).rejects.toThrow("expected no argument");
    expect(await quarantined(store, undefined)).toHaveLength(1);
  });
});

describe("quarantine remove", () => {
  test("throws away the one that is named", async () => {
    const [first, second] = [await keep({ tenantId: undefined }), await keep({ tenantId: undefined })];

    expect(await run("remove", first)).toBe("Removed from the operator's quarantine.");

    expect((await quarantined(store, undefined)).map(quarantineIdOf)).toEqual([second]);
    await expect(run("remove", first)).rejects.toThrow("has no");
    await expect(run("remove", second, "--tenant", "demo")).rejects.toThrow("has no");
  });
});

describe("the embedded stack", () => {
  test("has bodies in files", async () => {
    const body = randomBytes(400_000).toString("base64");
    const refused = {
      tenantId: undefined,
      messageId: "m",
      index: undefined,
      sentAt: NOW,
      runId: undefined,
      code: "NOT_JSON",
      errors: [],
      body,
    };
    await service.dependencies.quarantine.put(refused);
    const { environment, stop } = await announceService(service);
    const io = commandIo({ environment, now: () => now, print: (line) => void printed.push(line) });

    await quarantineGroup.run(["show", quarantineIdOf(refused)], io).finally(stop);

    expect(printed.join("") === body).toBe(true);
  });
});
