import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import { ownUploadKey, uploadObjectKey } from "../../shared/dynamodb/object-keys.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { arrivalOf, sent } from "../support/builders.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { postEvents, runKey, type Service, startService } from "../support/service.ts";
import { objectsOf } from "../support/stored.ts";
import { blobsOf, refTo, upload, uploadRequest } from "../support/uploads.ts";

const DAY_MS = 86_400_000;
const BYTES = Buffer.from(JSON.stringify({ text: "ü".repeat(70_000) }));

let service: Service;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
});
afterEach(() => service.stop());

const started = (more: Record<string, unknown> = {}) => eventText("run.started", more as Record<string, string>);
const readRun = async (run_id = "run-1", tenant = "demo", scopes = "read payload") =>
  (await service.get({ resource: "/v1/runs/{run_id}", path: { run_id }, tenant, scopes })).json;
const resultsOf = async (events: readonly string[], tenant = "demo") =>
  (await postEvents(service, events, tenant)).json.results;
const bytesOf = (url: string) =>
  blobsOf(service).get(decodeURIComponent(new URL(url).pathname.slice("/_objects/".length)));

const setRules = async (of: Record<string, unknown>, app = "app-1"): Promise<void> => {
  const place = { tenantId: runKey("demo", "x").tenantId, appId: v.parse(AppId, app) };
  const version = (await service.dependencies.settings.find(place.tenantId, place.appId))?.version ?? 0;
  const put = await service.dependencies.settings.put(place, v.parse(AppSettingsBody, of), { version, updatedAt: 0 });
  expect(put).toBeDefined();
  clock.advance(10_000);
};

describe("a payload value that refers to an upload", () => {
  test("reads as a link to the same bytes, with their size", async () => {
    const id = await upload(service, BYTES);

    expect(await resultsOf([started({ inputs: refTo(id) })])).toMatchObject([{ status: "accepted" }]);

    const { inputs } = await readRun();
    expect(inputs).toEqual({
      $ref: "download",
      url: expect.stringContaining("http"),
      size: BYTES.length,
      content_type: "application/octet-stream",
      content_encoding: null,
      expires_at: new Date(clock.now() + 900_000).toISOString(),
      upload_id: id,
    });
    expect(await bytesOf(inputs.url)).toEqual(BYTES);
  });

  test("is a link wherever payload is shown, and a size without preview where it is not", async () => {
    const id = await upload(service, BYTES);
    const node = {
      node_execution_id: "n1",
      outputs: refTo(id),
      custom: refTo(id),
      process_data: json('{"small":1.0}'),
    };
    await postEvents(service, [started(), eventText("node.finished", node)]);

    const path = { run_id: "run-1", node_execution_id: "n1" };
    const one = await service.get({ resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", path });
    const nodes = await service.get({ resource: "/v1/runs/{run_id}/nodes", path, query: { include: "payload" } });
    const events = await service.get({ resource: "/v1/runs/{run_id}/events", path });
    const light = await service.get({ resource: "/v1/runs/{run_id}/nodes", path });
    const trace = await service.get({ resource: "/v1/runs/{run_id}/trace", path });

    const link = { $ref: "download", upload_id: id, size: BYTES.length };
    for (const shown of [one.json, one.json.attempts[0], nodes.json.data[0], events.json.data[1]]) {
      expect(shown).toMatchObject({ outputs: link, custom: link, process_data: { small: 1 } });
    }
    for (const shown of [light.json.data[0], trace.json.nodes[0]]) {
      expect(shown).toMatchObject({ outputs_preview: "", outputs_size: BYTES.length, custom_size: BYTES.length });
    }
  });

  test("gives no link without the scope for payload", async () => {
    const id = await upload(service, BYTES);
    await postEvents(service, [started({ inputs: refTo(id) })]);

    const run = await readRun("run-1", "demo", "read");

    expect(run.payload_hidden).toBe(true);
    expect(JSON.stringify(run)).not.toMatch(/download|upload|_objects/);
  });

  test.each([[' { "$ref" :\n"upload:ID" } '], ['{"\\u0024ref":"\\u0075pload:ID"}']])(
    "may be spelled as JSON allows: %s",
    async (spelling) => {
      const id = await upload(service, BYTES);

      await postEvents(service, [
        started({ inputs: json(spelling.replace("ID", id)) }),
        started({ inputs: refTo(id) }),
      ]);

      expect((await readRun()).inputs).toMatchObject({ $ref: "download", upload_id: id });
      const { json: page } = await service.get({ resource: "/v1/runs/{run_id}/events", path: { run_id: "run-1" } });
      // One event by the text of the reference, delivered twice.
      expect(new Set(page.data.map((event: { digest: string }) => event.digest)).size).toBe(1);
    },
  );

  test.each([
    ['{"$ref":"upload:ID","more":1}'],
    ['{"$ref":"#/upload:ID"}'],
    ['{"nested":{"$ref":"upload:ID"}}'],
    ['["upload:ID"]'],
    ['"upload:ID"'],
  ])("is a value like any other where it is not exactly a reference: %s", async (text) => {
    const value = text.replace("ID", "01ARZ3NDEKTSV4RRFFQ69G5FAV");

    expect(await resultsOf([started({ inputs: json(value) })])).toMatchObject([{ status: "accepted" }]);

    expect((await readRun()).inputs).toEqual(JSON.parse(value));
  });

  test("refers to nothing in a field that is no payload", async () => {
    const error = refTo("01ARZ3NDEKTSV4RRFFQ69G5FAV");

    expect(await resultsOf([started(), eventText("run.finished", { status: "failed", error })])).toMatchObject([
      { status: "accepted" },
      { status: "accepted" },
    ]);
    expect((await readRun()).error).toEqual(error);
  });
});

describe("a reference without its upload", () => {
  const none = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

  test.each([none, "", "x", "../../x", `${none}x`, "01ARZ3NDEKTSV4RRFFQ69G5FA/", "x".repeat(900)])(
    "rejects its event and names the place: upload:%s",
    async (id) => {
      const events = [started({ outputs: refTo(id), inputs: refTo(id) }), eventText("run.finished")];

      const results = await resultsOf(events);

      expect(results).toMatchObject([
        { status: "rejected", code: "UPLOAD_NOT_FOUND", errors: [{ path: "outputs" }, { path: "inputs" }] },
        { status: "accepted" },
      ]);
      expect((await readRun()).status).toBe("succeeded");
    },
  );

  test("is the same answer where the upload is another tenant's", async () => {
    const id = await upload(service, BYTES, "acme");

    const [theirs] = await resultsOf([started({ id: "e1", inputs: refTo(id) })]);
    const [missing] = await resultsOf([started({ id: "e1", inputs: refTo(none) })]);

    expect(theirs).toEqual(missing);
    expect(theirs).toMatchObject({ status: "rejected", code: "UPLOAD_NOT_FOUND" });
    expect(await resultsOf([started({ inputs: refTo(id) })], "acme")).toMatchObject([{ status: "accepted" }]);
  });

  test("goes to quarantine from the queue, and is recorded once the upload is there", async () => {
    const opened = await service.post({ resource: "/v1/uploads", body: uploadRequest(BYTES) });
    const { id } = opened.json;
    await service.deliver([ofTenant("demo", started({ inputs: refTo(id) }))]);

    const { json: quarantine } = await service.get({ resource: "/v1/quarantine" });
    expect(quarantine.data).toMatchObject([{ code: "UPLOAD_NOT_FOUND", errors: [{ path: "inputs" }] }]);

    await blobsOf(service).put(uploadObjectKey(runKey("demo", "x").tenantId, id), BYTES);
    await service.post({ resource: "/v1/quarantine/redrive" });

    expect((await readRun()).inputs.upload_id).toBe(id);
  });

  test("is what an upload becomes two days after its beginning, collected or not", async () => {
    const id = await upload(service, BYTES);
    clock.advance(2 * DAY_MS - 1);
    const before = await resultsOf([started({ run_id: "before", inputs: refTo(id) })]);
    clock.advance(1);
    const after = await resultsOf([started({ run_id: "after", inputs: refTo(id) })]);

    expect([before[0].status, after[0].code]).toEqual(["accepted", "UPLOAD_NOT_FOUND"]);
  });
});

describe("what a run keeps of an upload", () => {
  test("is a copy beside its other objects, once, however often it is referred to", async () => {
    const id = await upload(service, BYTES);
    const run = runKey("demo", "run-1");
    await postEvents(service, [started({ inputs: refTo(id), custom: refTo(id) })]);
    await postEvents(service, [eventText("run.finished", { outputs: refTo(id) })]);

    expect(objectsOf(service).sort()).toEqual([uploadObjectKey(run.tenantId, id), ownUploadKey(run, id)].sort());
    expect(ownUploadKey(run, id)).toBe(`65d/runs/t-demo/r-run-1/upload-${id}`);
    expect(uploadObjectKey(run.tenantId, id)).toBe(`2d/uploads/t-demo/${id}`);
  });

  test("lets the event be repeated after the upload itself is gone, within and after its time", async () => {
    const id = await upload(service, BYTES);
    const event = started({ id: "e1", inputs: refTo(id) });
    const first = await resultsOf([event]);
    await blobsOf(service).remove(uploadObjectKey(runKey("demo", "x").tenantId, id));

    const again = await resultsOf([event]);
    clock.advance(20 * DAY_MS);
    const late = await resultsOf([event]);
    const other = await resultsOf([started({ run_id: "run-2", inputs: refTo(id) })]);

    expect([again, late]).toEqual([first, first]);
    expect(other).toMatchObject([{ code: "UPLOAD_NOT_FOUND" }]);
    const { inputs, version } = await readRun();
    expect([version, inputs.size]).toEqual([1, BYTES.length]);
    expect(await bytesOf(inputs.url)).toEqual(BYTES);
  });

  test("lives as long as the entry that refers to it, by the app's retention then", async () => {
    const id = await upload(service, BYTES);
    await postEvents(service, [started({ inputs: refTo(id) })]);
    await setRules({ retention_days: { succeeded: 60 } });

    await postEvents(service, [eventText("run.finished", { app_id: "app-1", outputs: refTo(id) })]);

    const { inputs, outputs } = await readRun();
    expect(inputs.url).toContain("/65d/runs/");
    expect(outputs.url).toContain("/125d/runs/");
    expect(await bytesOf(outputs.url)).toEqual(BYTES);
  });

  test("is not given out longer than the run can be read", async () => {
    const id = await upload(service, BYTES);
    await postEvents(service, [started({ inputs: refTo(id) })]);
    clock.advance(30 * DAY_MS - 60_000);

    const { inputs, expires_at } = await readRun();

    expect(Date.parse(inputs.expires_at)).toBeLessThanOrEqual(Date.parse(expires_at));
    expect(Date.parse(inputs.expires_at) - clock.now()).toBe(60_000);
  });

  test("goes with the run when that is deleted, and so does the upload where it still waits", async () => {
    const [id, other] = [await upload(service, BYTES), await upload(service, BYTES)];
    await postEvents(service, [started({ inputs: refTo(id), outputs: "x".repeat(1_200_000) })]);

    await service.dependencies.ledger.removeAll(runKey("demo", "run-1"), { uploads: true });

    expect(objectsOf(service)).toEqual([`2d/uploads/t-demo/${other}`]);
  });
});

describe("an app that redacts, or keeps no payload,", () => {
  const STRICT: [string, Record<string, unknown>][] = [
    ["paths to redact", { redact: { paths: ["$.inputs.password"] } }],
    ["detectors", { redact: { detectors: ["emails"] } }],
    ["metadata only", { payload_mode: "metadata_only" }],
  ];

  test.each(STRICT)("is given no upload: %s", async (_what, rules) => {
    await setRules(rules);

    const refused = await service.post({ resource: "/v1/uploads", body: uploadRequest(BYTES) });
    const other = await service.post({ resource: "/v1/uploads", body: uploadRequest(BYTES, { app_id: "app-2" }) });

    expect([refused.status, refused.json.code]).toEqual([409, "UPLOADS_REFUSED"]);
    expect(other.status).toBe(201);
  });

  test.each(STRICT)("takes no reference to one: %s", async (_what, rules) => {
    const id = await upload(service, BYTES);
    await setRules(rules);

    const [start, finish, heartbeat] = await resultsOf([
      started({ inputs: refTo(id), id: "e1" }),
      eventText("run.finished", { outputs: refTo(id) }),
      started({ id: "e2" }),
    ]);
    const elsewhere = await resultsOf([started({ run_id: "run-2", app_id: "app-2", inputs: refTo(id) })]);

    expect(start).toMatchObject({ status: "rejected", code: "UPLOADS_REFUSED", errors: [{ path: "inputs" }] });
    expect(finish).toMatchObject({ status: "rejected", code: "UPLOADS_REFUSED", errors: [{ path: "outputs" }] });
    expect([heartbeat.status, elsewhere[0].status]).toEqual(["accepted", "accepted"]);
    expect(objectsOf(service).filter((key) => key.includes("run-1"))).toEqual([]);
  });

  test("is the run's, where the event names none", async () => {
    const id = await upload(service, BYTES);
    await setRules({ payload_mode: "metadata_only" });
    await postEvents(service, [started(), started({ run_id: "run-2", app_id: "app-2" })]);

    const strict = await resultsOf([eventText("run.finished", { outputs: refTo(id) })]);
    const loose = await resultsOf([eventText("run.finished", { run_id: "run-2", outputs: refTo(id) })]);
    const unknown = await resultsOf([eventText("run.finished", { run_id: "run-3", outputs: refTo(id) })]);

    expect([strict[0].code, loose[0].status, unknown[0].code]).toEqual([
      "UPLOADS_REFUSED",
      "accepted",
      "UPLOADS_REFUSED",
    ]);
  });
});

describe("where the store of objects fails,", () => {
  const failing = (message: string) => new StoreFault(message, { cause: undefined, isRetryable: true });

  test("an event that refers to an upload is unavailable, and those of other runs are recorded", async () => {
    const find = () => Promise.reject(failing("out of reach"));
    const broken = await startService((dependencies) => ({
      ...dependencies,
      uploads: { ...dependencies.uploads, find },
    }));
    const events = [started({ inputs: refTo("01ARZ3NDEKTSV4RRFFQ69G5FAV") }), started({ run_id: "run-2" })];

    const { json: reply } = await postEvents(broken, events);

    expect(reply.results).toMatchObject([{ status: "unavailable" }, { status: "accepted" }]);
    broken.stop();
  });

  test("an upload that is collected while its event is recorded makes it unavailable, and missing the next time", async () => {
    const id = await upload(service, BYTES);
    const key = uploadObjectKey(runKey("demo", "x").tenantId, id);
    const { uploads } = service.dependencies;
    const found = await uploads.find(runKey("demo", "run-1"), id);
    await blobsOf(service).remove(key);
    const event = { ...sent("run.started", { inputs: refTo(id) }).event };
    const payload = event.payload.map((value) => ({ ...value, upload: { id, sizeBytes: found ?? 0 } }));
    const arrival = arrivalOf([{ ...event, payload }]);
    const receivedAt = clock.now();

    const appending = service.dependencies.ledger.append(runKey("demo", "run-1"), {
      ...arrival,
      receivedAt,
      appId: undefined,
      expiresAt: receivedAt / 1000 + 65 * 86_400,
    });

    await expect(appending).rejects.toMatchObject({ name: "StoreFault", isRetryable: true });
    expect(await resultsOf([started({ inputs: refTo(id) })])).toMatchObject([{ code: "UPLOAD_NOT_FOUND" }]);
  });
});
