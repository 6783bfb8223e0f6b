import { randomUUID } from "node:crypto";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText, ofTenant } from "../support/event-text.ts";
import { expectProblem, get, postEvents } from "./support/api.ts";
import { s3 } from "./support/aws-clients.ts";
import { listenToBus } from "./support/bus-listener.ts";
import { command, commandJson } from "./support/command.ts";
import { deployment } from "./support/deployment.ts";
import { eventually } from "./support/eventually.ts";
import { sendMessage } from "./support/queue.ts";
import { quarantineHolds } from "./support/runs.ts";
import { sample } from "./support/samples.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

let tenantId: TenantId;
let key: string;
beforeAll(async () => {
  tenantId = newTenant("commands");
  key = await newKey(tenantId);
});
afterAll(revokeKeys);

describe("keys", () => {
  test("are made by the command line, work, are listed without their text, and are taken back", async () => {
    const owner = newTenant("cli");
    const made = await commandJson("keys", "create", "--tenant", owner, "--scopes", "ingest,read", "--name", "engine");
    const posted = await postEvents(made.key, [eventText("run.started")]);
    const read = await get("/v1/runs/run-1", { key: made.key });
    const listed = await command("keys", "list", "--tenant", owner, "--json");

    expect([posted.status, read.status, read.json.payload_hidden]).toEqual([200, 200, true]);
    expectProblem(await get("/v1/quarantine", { key: made.key }), 403, "FORBIDDEN");
    expect(JSON.parse(listed).data).toMatchObject([{ key_id: made.key_id, tenant_id: owner, name: "engine" }]);
    expect(listed).not.toContain(made.key);

    await command("keys", "revoke", made.key_id);
    const { cacheSeconds } = deployment().settings.keys;
    const refused = await eventually(
      "the revoked key is refused",
      async () => {
        const answer = await get("/v1/apps", { key: made.key });
        return answer.status === 200 ? undefined : answer;
      },
      { seconds: cacheSeconds + 5 },
    );
    expectProblem(refused, 401, "UNAUTHORIZED");
  }, 4_000_000);
});

describe("a body that is no event of anybody", () => {
  test.each([
    ["no JSON", (mark: string) => `{"events": [${mark}`, "NOT_JSON"],
    ["no tenant", (mark: string) => eventText("run.started", { run_id: mark }), "INVALID_EVENT"],
  ])("is shown by the operator's command and nowhere over HTTP: %s", async (_what, bodyOf, code) => {
    const body = bodyOf(randomUUID());
    const messageId = await sendMessage(tenantId, body);
    await sendMessage(tenantId, ofTenant(tenantId, eventText("run.started", { app_id: 7 })));

    const found = await eventually("the operator sees the message", async () => {
      const { data } = await commandJson("quarantine", "list", "--limit", "100");
      return data.find((message: { message_id: string }) => message.message_id === messageId);
    });
    const shown = await commandJson("quarantine", "show", found.id);
    const overHttp = await quarantineHolds(key, 1);

    expect(found).toMatchObject({ tenant_id: null, code });
    expect(shown.body).toBe(body);
    expect(overHttp.text).not.toContain(messageId);
    await command("quarantine", "remove", found.id);
  });
});

describe("a batch of the stream that Lambda has given up", () => {
  test("is published by `failures replay`, and gone from its bucket", async () => {
    const bus = await listenToBus(tenantId, key);
    try {
      const Bucket = deployment().failuresBucketName;
      const Key = `aws/lambda/${randomUUID()}/shardId-e2e/2026/11/22/${tenantId}.json`;
      const Body = sample("failed-batch/retries-exhausted.json").replaceAll("T#demo#", `T#${tenantId}#`);
      await s3.send(new PutObjectCommand({ Bucket, Key, Body }));

      const listed = await commandJson("failures", "list");
      const printed = await command("failures", "replay", "--key", Key);
      const delivered = await bus.until("stream-chat", "succeeded");

      expect(listed.data.map((object: { key: string }) => object.key)).toContain(Key);
      expect(printed).toContain("1 batch ");
      expect(delivered.find(({ detail }) => detail.run_id === "stream-chat")).toMatchObject({
        source: "runstone",
        "detail-type": "run.succeeded",
        detail: { tenant_id: tenantId, version: 2 },
      });
      await expect(s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toThrow();
    } finally {
      await bus.stop();
    }
  });
});
