import { createHmac } from "node:crypto";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoSettingsStore } from "../../shared/dynamodb/dynamo-settings-store.ts";
import { redactionSecretKey } from "../../shared/dynamodb/table.ts";
import type { SettingsStore } from "../../shared/ports/settings-store.ts";
import { setApp } from "../support/app-settings.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { postEvents, readRun, runKey, type Service, startService } from "../support/service.ts";
import { itemsOf } from "../support/stored.ts";

const SECRET = "mVb0Jt0k9oZq4b3rZ0f6Xl2cN8yHq1sT5uW7eD9gKpA";

/** What a store holds in which the secret stands among the settings. */
const ROWS = [
  { pk: "T#demo#SETTINGS", sk: "#SECRET", secret: SECRET },
  {
    pk: "T#demo#SETTINGS",
    sk: "app-1",
    version: 1,
    updated_at: 1_795_348_800_000,
    read_shards: 1,
    settings:
      '{"retention_days":{},"keep_last":null,"idle_timeout":1800,"redact":{"paths":[],"detectors":[]},"payload_mode":"metadata_only","write_shards":1}',
  },
];

const { tenantId } = runKey("demo", "any");
const appId = v.parse(AppId, "app-1");
const clock = manualClock();
let service: Service;
beforeEach(async () => {
  service = await startService(undefined, clock);
  const table = tableOf(service.dynamodb, service.tableName);
  for (const Item of ROWS) await table.client.send(new PutCommand({ TableName: table.name, Item }));
});
afterEach(() => service.stop());

/** As a process that has read nothing yet. */
const newProcess = (): SettingsStore => dynamoSettingsStore(tableOf(service.dynamodb, service.tableName), clock);
const secretItems = async () => (await itemsOf(service)).filter(({ pk }) => pk === redactionSecretKey(tenantId).pk);
const started = (run_id: string) => eventText("run.started", { run_id, inputs: json('{"a":1}') });
const digest = `hmac-sha256:${createHmac("sha256", SECRET).update('{"a":1}').digest("hex")}`;
const digestOf = async (runId: string): Promise<string> => (await readRun(service, runId)).json.inputs.digest;

test("goes on keying the digests of what comes, whichever way, and the store is read as any other", async () => {
  expect((await postEvents(service, [started("over-http")])).status).toBe(200);
  expect(await service.deliver([ofTenant("demo", started("by-queue"))])).toEqual({ batchItemFailures: [] });

  expect([await digestOf("over-http"), await digestOf("by-queue")]).toEqual([digest, digest]);
  const list = await service.get({ resource: "/v1/apps/{app_id}/runs", path: { app_id: "app-1" } });
  expect(list.json.data).toHaveLength(2);
  const settings = await service.get({ resource: "/v1/apps/{app_id}/settings", path: { app_id: "app-1" } });
  expect(settings.json).toMatchObject({ version: 1, payload_mode: "metadata_only" });
  expect(await secretItems()).toEqual([]);
});

test("is copied to where only those can read it who need it when settings are put, and stays the same", async () => {
  await postEvents(service, [started("before")]);

  await setApp(service, "app-2", { payload_mode: "metadata_only" });
  await postEvents(service, [started("after")]);

  expect(await secretItems()).toEqual([{ ...redactionSecretKey(tenantId), secret: SECRET }]);
  expect([await digestOf("before"), await digestOf("after")]).toEqual([digest, digest]);
  expect(await newProcess().secretOf(tenantId)).toBe(SECRET);
});

test("is one for all, whoever reads or puts first", async () => {
  const body = v.parse(AppSettingsBody, {});
  const putBy = (store: SettingsStore) => store.put({ tenantId, appId }, body, { version: 1, updatedAt: clock.now() });
  const processes = Array.from({ length: 6 }, newProcess);

  const secrets = await Promise.all(
    processes.map(async (store, at) => {
      if (at % 2 === 0) await putBy(store);
      return store.secretOf(tenantId);
    }),
  );

  expect(secrets).toEqual(processes.map(() => SECRET));
});

test("of a tenant that has none is made once, whoever puts settings at the same time or later", async () => {
  const other = runKey("acme", "any").tenantId;
  const body = v.parse(AppSettingsBody, {});
  const putAndRead = async (store: SettingsStore) => {
    await store.put({ tenantId: other, appId }, body, { version: 0, updatedAt: clock.now() });
    return store.secretOf(other);
  };
  expect(await newProcess().secretOf(other)).toBeUndefined();

  const secrets = await Promise.all(Array.from({ length: 6 }, () => putAndRead(newProcess())));
  secrets.push(await putAndRead(newProcess()));

  expect([...new Set(secrets)]).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
  expect(secrets).not.toContain(SECRET);
});
