import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { importGroup } from "../../cli/import.ts";
import { recordArrival, recordClaim } from "../../shared/app/record/record-arrival.ts";
import { SETTINGS_LAG_MS } from "../../shared/ports/settings-store.ts";
import { type AnnouncedService, announceService } from "../support/announced-service.ts";
import { setApp } from "../support/app-settings.ts";
import { arrivalOf, claimed, lost, type Sent } from "../support/builders.ts";
import { commandIo } from "../support/command-io.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { everyByteOf } from "../support/every-byte.ts";
import { manualClock } from "../support/manual-clock.ts";
import { postEvents, readRun, runKey, type Service, startService, viewOf } from "../support/service.ts";
import { storedBy } from "../support/stored.ts";
import { blobsOf, refTo, upload } from "../support/uploads.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(120_000);

const EVENTS = join(__dirname, "../../events/runs");
const RUN = { app_id: "all" };
const clock = manualClock();

let source: Service;
let target: Service;
let announced: AnnouncedService;
let directory: string;
beforeAll(async () => {
  source = await startService(undefined, clock);
  directory = mkdtempSync(join(tmpdir(), "runstone-import-"));
  await recordSamples();
  await recordOdd();
});
beforeEach(async () => {
  target = await startService(undefined, clock);
  announced = await announceService(target);
});
afterEach(() => {
  target.stop();
  announced.stop();
});
afterAll(() => {
  source.stop();
  rmSync(directory, { recursive: true });
});

const recordSamples = async (): Promise<void> => {
  for (const name of readdirSync(EVENTS).filter((file) => file.endsWith(".ndjson"))) {
    const headers = { "content-type": "application/x-ndjson" };
    const body = readFileSync(join(EVENTS, name), "utf8");
    expect((await source.post({ resource: "/v1/events", headers, body })).status).toBe(200);
  }
  for (const name of readdirSync(join(EVENTS, "dify"))) {
    const headers = { "content-type": "text/event-stream" };
    const body = readFileSync(join(EVENTS, "dify", name), "utf8");
    const query = { app_id: "dify" };
    expect((await source.post({ resource: "/v1/dify/events", headers, query, body })).status).toBe(200);
  }
};

const post = async (...events: readonly string[]): Promise<void> => {
  clock.advance(1_000);
  expect((await postEvents(source, events)).json).toMatchObject({ accepted: events.length });
};

/** What no producer can send. */
const recordAs = async (runId: string, { actor, event }: Sent): Promise<void> => {
  clock.advance(1_000);
  const key = runKey("demo", runId);
  const receivedAt = clock.now();
  const ulid = source.dependencies.newUlid(receivedAt);
  const arrival = { ...arrivalOf([{ ...event, runId: key.runId }], { actor }), receivedAt, ulid };
  const outcome =
    event.type === "run.claimed"
      ? recordClaim(source.dependencies, key, { arrival, epoch: event.epoch })
      : recordArrival(source.dependencies, key, arrival);
  expect(await outcome).toBe("recorded");
};

/** Runs of every other kind that a ledger can hold. */
const recordOdd = async (): Promise<void> => {
  const start = (run_id: string, more: object = {}) => eventText("run.started", { ...RUN, run_id, ...more });
  const node = (run_id: string, more: object = {}) => eventText("node.finished", { run_id, ...more });
  const finish = (run_id: string, more: object = {}) => eventText("run.finished", { ...RUN, run_id, ...more });

  await post(start("continued", { inputs: json('{"a":1}') }), node("continued", { status: "failed", error: "x" }));
  await post(finish("continued", { status: "failed", error: json('{"code":"E"}') }));
  await recordAs("continued", claimed(2, 60));
  await post(
    node("continued", { epoch: 2, at: "2026-11-22T10:02:00Z", outputs: json("[1.0]") }),
    node("continued", { at: "2026-11-22T10:03:00Z", id: "stale", outputs: json('"late"') }),
    finish("continued", { epoch: 2, at: "2026-11-22T10:04:00Z" }),
  );
  await recordAs("continued", claimed(3, 600));

  await post(start("lost"), eventText("node.started", { run_id: "lost" }));
  await recordAs("lost", lost(30));

  await post(node("incomplete", { app_id: "all", outputs: json("{}") }));
  await post(start("conflict", { id: "one", inputs: json("1") }), start("conflict", { id: "one", inputs: json("2") }));
  await post(start("spelled", { inputs: json('{ "b" : 1.0,"a":1e1 }') }));
  await post(
    start("spelled", { inputs: json('{"a":10,"b":1}') }),
    start("spelled", { inputs: json('{"a":10,"b":1}') }),
  );

  const text = json(
    '{\n\t"n" : 12345678901234567890, "x": 1.0,\r\n "s":"\\ud800\u2028\\u000a\\/","__proto__":[-0, 1e400]}',
  );
  const odd = ["", "__proto__", "record", "digest", "actor", "source", "entry", "event", "sent", "received_at"];
  await post(
    start("odd", { inputs: text, graph: text, tags: ["a", "b,c"], at: "2026-11-22T10:00:00.123456789Z" }),
    eventText("run.paused", [["run_id", "odd"], ["reasons", text], ...odd.map((name) => [name, text] as const)]),
    eventText("run.resumed", { run_id: "odd", reason: "\ud800 half\u2028", at: "2026-11-22T10:00:01.5+01:00" }),
    eventText("agent.logged", { run_id: "odd", data: text, metadata: text, label: "l", status: "ok" }),
    eventText("node.retried", { run_id: "odd", error: text, execution_metadata: json('{"a" :\n1.0}') }),
    eventText("edge.taken", { run_id: "odd", edge_id: "e", source_handle: "h" }),
    node("odd", { execution_metadata: { short: 1, long: "m".repeat(2_000) }, title: "t".repeat(2_000), index: 3 }),
    finish("odd", { status: "failed", error: "e".repeat(3_000), outputs: json("null"), elapsed_time: 1.25 }),
  );

  const large = (bytes: number) => `${randomBytes(bytes / 2).toString("hex")}\u20ac`;
  const shared = { graph: { nodes: "g".repeat(3_000) } };
  await post(start("large", { ...shared, inputs: large(30_000) }), node("large", { outputs: large(1_500_000) }));
  await post(start("large-2", { ...shared, inputs: large(2_000_000) }), finish("large-2", { outputs: large(100_000) }));
  const id = await upload(source, randomBytes(4_000_000));
  await post(
    start("uploaded", { inputs: refTo(id) }),
    node("uploaded", { outputs: refTo(id), process_data: refTo(id) }),
  );

  const [queued] = [ofTenant("demo", start("queued", { inputs: json("[]") }))];
  expect(await source.deliver([`[${queued}]`])).toEqual({ batchItemFailures: [] });

  const settings = { redact: { paths: ["$.inputs.secret", "$.error"], detectors: ["emails"] } };
  const put = { resource: "/v1/apps/{app_id}/settings", path: { app_id: "hidden" }, body: JSON.stringify(settings) };
  expect((await source.put(put)).status).toBe(200);
  clock.advance(10_000);
  const hidden = { run_id: "hidden", app_id: "hidden" };
  await post(
    eventText("run.started", { ...hidden, inputs: { secret: "s3cret", to: "a@example.com", n: 1 } }),
    eventText("run.finished", { ...hidden, status: "failed", error: "s3cret" }),
  );
};

const run = async (...args: string[]): Promise<{ out: string; notes: string[] }> => {
  const out: string[] = [];
  const notes: string[] = [];
  const io = commandIo({
    environment: announced.environment,
    now: () => clock.now(),
    print: (line) => void out.push(line),
    note: (line) => void notes.push(line),
  });
  await importGroup.run(args, io);
  return { out: out.join("\n"), notes };
};

const kept = new Map<string, Promise<string>>();

/** What an export of the source gives, which no test changes. */
const exported = (app_id: string, scopes?: string): Promise<string> => {
  const name = `${app_id} ${scopes}`;
  const text = kept.get(name) ?? exportedNow(app_id, scopes);
  kept.set(name, text);
  return text;
};

const exportedNow = async (app_id: string, scopes: string | undefined): Promise<string> => {
  const call = { resource: "/v1/apps/{app_id}/export", path: { app_id }, ...(scopes === undefined ? {} : { scopes }) };
  const reply = await source.get(call);
  if (reply.status === 200) return reply.text;
  await source.workOff();
  const { json: job } = await source.get({ resource: "/v1/jobs/{job_id}", path: { job_id: reply.json.job_id } });
  expect(job.state).toBe("done");
  const keys = job.download_urls.map(({ url }: { url: string }) => new URL(url).pathname.replace("/_objects/", ""));
  const files = await Promise.all(keys.map((key: string) => blobsOf(source).get(key)));
  return gunzipSync(Buffer.concat(files)).toString();
};

const fileOf = (name: string, content: string | Buffer): string => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};

const recordsIn = (text: string, record: string): Record<string, string>[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`{"record":"${record}"`))
    .map((line) => JSON.parse(line));
const runIdsIn = (text: string): string[] => recordsIn(text, "run").map(({ run_id = "" }) => run_id);

/** All that reading shows of a run, but for what receipt decides, and where objects lie. */
const allOf = async (service: Service, run_id: string): Promise<string> => {
  const nodes = await service.get({ resource: "/v1/runs/{run_id}/nodes", path: { run_id }, query: { limit: "1000" } });
  const ids: string[] = nodes.json.data.map((node: { node_execution_id: string }) => node.node_execution_id);
  const resource = "/v1/runs/{run_id}/nodes/{node_execution_id}";
  const each = await Promise.all(
    ids.map((node_execution_id) => service.get({ resource, path: { run_id, node_execution_id } })),
  );
  const events = await service.get({
    resource: "/v1/runs/{run_id}/events",
    path: { run_id },
    query: { limit: "1000" },
  });
  const { entries } = await service.dependencies.ledger.readAll(runKey("demo", run_id));
  const exactly = entries.flatMap((entry) => entry.events.map(({ at, digest }) => `${at} ${digest}`));
  return [await viewOf(service, run_id), ...each.map(({ text }) => text), JSON.stringify(events.json.data), ...exactly]
    .join("\n")
    .replaceAll(/"received_at":"[^"]*"/g, '"received_at":""')
    .replaceAll(/"expires_at":"[^"]*"/g, '"expires_at":""')
    .replaceAll(/"url":"[^"]*"/g, '"url":""');
};

const digestsOf = async (service: Service, run_id: string): Promise<string[]> => {
  const { data } = (await service.get({ resource: "/v1/runs/{run_id}/events", path: { run_id } })).json;
  return data.map(({ digest }: { digest: string }) => digest);
};

const rowsOf = async (service: Service, app_id: string): Promise<unknown[]> => {
  const { json: page } = await service.get({
    resource: "/v1/apps/{app_id}/runs",
    path: { app_id },
    query: { limit: "100" },
  });
  return page.data.map((row: object) => ({ ...row, version: 0, expires_at: "" }));
};

const apps = ["catalog-sync", "handbook-rag", "invoice-approval", "rate-import", "release-notes", "support-chat"];

describe("an export that is imported", () => {
  test.each([...apps, "trip-agent", "dify", "all", "hidden"])("ends in the same state: %s", async (app) => {
    const text = await exported(app);
    const file = fileOf(`${app}.ndjson`, text);
    clock.advance(86_400_000);

    const { out } = await run(file, "--tenant", "demo");

    const runIds = runIdsIn(text);
    expect(runIds.length).toBeGreaterThan(0);
    expect(out).toContain(`recorded ${recordsIn(text, "event").length} event`);
    for (const runId of runIds) expect(await allOf(target, runId)).toBe(await allOf(source, runId));
    expect(await rowsOf(target, app)).toEqual(await rowsOf(source, app));
  });

  test("brings uploads along, byte for byte", async () => {
    const file = fileOf("uploads.ndjson", await exported("all"));
    await run(file, "--tenant", "demo");

    const [event] = recordsIn(readFileSync(file, "utf8"), "event").filter(({ run_id }) => run_id === "uploaded");
    const id = Object.values(event?.["uploads"] ?? {})[0] ?? "";
    const [from, to] = await Promise.all(
      [source, target].map(({ dependencies }) => dependencies.uploads.read(runKey("demo", "uploaded"), id)),
    );
    expect(from).toHaveLength(4_000_000);
    expect(Buffer.compare(from ?? Buffer.of(), to ?? Buffer.of())).toBe(0);
  });

  test("counts its receipt, and so its expiry, from the import", async () => {
    const file = fileOf("receipt.ndjson", await exported("support-chat"));
    clock.advance(5 * 86_400_000);
    const [runId = ""] = runIdsIn(readFileSync(file, "utf8"));

    await run(file, "--tenant", "demo");

    const { json: imported } = await target.get({ resource: "/v1/runs/{run_id}", path: { run_id: runId } });
    expect(imported.expires_at).toBe(new Date(clock.now() + 30 * 86_400_000).toISOString());
    const events = await target.get({ resource: "/v1/runs/{run_id}/events", path: { run_id: runId } });
    expect(events.json.data[0].received_at).toBe(new Date(clock.now()).toISOString());
  });

  test("can be imported again: nothing is recorded twice", async () => {
    const file = fileOf("again.ndjson", await exported("all"));
    await run(file, "--tenant", "demo");
    const before = await storedBy(target);

    const { out } = await run(file, "--tenant", "demo");

    expect(out).toMatch(/recorded 0 events in 0 arrivals; \d+ arrivals were there already\.$/);
    expect((await storedBy(target)).items).toBe(before.items);
  });

  test("is recorded where it came from without doing anything", async () => {
    const file = fileOf("home.ndjson", await exported("all"));
    announced.stop();
    announced = await announceService(source);
    const before = (await storedBy(source)).items;

    await run(file, "--tenant", "demo");

    expect((await storedBy(source)).items).toBe(before);
  });

  test("may be gzipped, and come in several files, with others", async () => {
    const lines = (await exported("all")).split("\n");
    const begin = fileOf(
      "part-1.ndjson.gz",
      gzipSync(
        lines
          .slice(0, 20)
          .map((line) => `${line}\n`)
          .join(""),
      ),
    );
    const end = fileOf(
      "part-2.ndjson.gz",
      Buffer.concat([
        gzipSync(
          lines
            .slice(20, 25)
            .map((line) => `${line}\n`)
            .join(""),
        ),
        gzipSync(lines.slice(25).join("\n")),
      ]),
    );
    const other = fileOf("other.ndjson", await exported("support-chat"));

    const { out, notes } = await run(begin, end, other, "--tenant", "acme");

    expect(notes).toContain("Checking 3 files");
    expect(out).toMatch(/^Read \d+ runs, recorded \d+ events in \d+ arrivals\.$/);
    expect(
      (await target.get({ resource: "/v1/runs/{run_id}", path: { run_id: "continued" }, tenant: "acme" })).json.epoch,
    ).toBe(3);
    expect((await target.get({ resource: "/v1/runs/{run_id}", path: { run_id: "continued" } })).status).toBe(404);
  });

  test("keeps to the rules of the app that it comes to", async () => {
    await target.put({
      resource: "/v1/apps/{app_id}/settings",
      path: { app_id: "all" },
      body: JSON.stringify({ redact: { paths: ["$.inputs"] } }),
    });
    const text = await exported("all");
    const file = fileOf("rules.ndjson", text);

    await expect(run(file, "--tenant", "demo")).rejects.toThrow("1 run could not be imported, or not wholly");

    const { json: imported } = await target.get({ resource: "/v1/runs/{run_id}", path: { run_id: "spelled" } });
    expect(imported).toMatchObject({ inputs: "***", redacted: ["inputs"] });
  });

  test("keeps no digest by which what they take out could be guessed, and one that is the same when the event is sent", async () => {
    await setApp(target, "all", { redact: { paths: ["$.inputs"] } });
    await expect(run(fileOf("digests.ndjson", await exported("all")), "--tenant", "demo")).rejects.toThrow("1 run");

    const sent = eventText("run.started", { ...RUN, run_id: "spelled", inputs: json('{"b":1,"a":10}') });
    await postEvents(target, [sent]);

    const digests = await digestsOf(target, "spelled");
    expect(digests).toHaveLength(4);
    expect(new Set(digests).size).toBe(1);
    expect(await digestsOf(source, "spelled")).not.toContain(digests[0]);
    expect((await readRun(target, "spelled")).json.conflicts).toEqual([]);
  });

  test("keeps the digest of what was redacted where it came from, whatever is taken out here", async () => {
    await setApp(source, "strict", { redact: { paths: ["inputs.pin"] } });
    await setApp(target, "strict", { redact: { paths: ["inputs.pin", "inputs.user"] } });
    await post(
      eventText("run.started", { app_id: "strict", run_id: "strict", inputs: { pin: 1, user: "ann", open: 2 } }),
    );
    const file = fileOf("strict.ndjson", await exported("strict"));

    await run(file, "--tenant", "demo");
    expect((await run(file, "--tenant", "demo")).out).toContain("recorded 0 events");

    const { inputs } = (await readRun(target, "strict")).json;
    expect(inputs).toEqual({ pin: "***", user: "***", open: 2 });
    expect(await digestsOf(target, "strict")).toEqual(await digestsOf(source, "strict"));
  });

  test("keeps to them in what a claim says, too", async () => {
    await target.put({
      resource: "/v1/apps/{app_id}/settings",
      path: { app_id: "all" },
      body: JSON.stringify({ redact: { detectors: ["emails"] } }),
    });
    const text = (await exported("all")).replaceAll('"worker-2"', '"carol@example.org"');

    // One run refers to an upload, which apps with rules do not take.
    await expect(run(fileOf("claims.ndjson", text), "--tenant", "demo")).rejects.toThrow("1 run could not be imported");

    const path = { run_id: "continued" };
    const events = await target.get({ resource: "/v1/runs/{run_id}/events", path });
    expect(events.json.data).toContainEqual(expect.objectContaining({ type: "run.claimed", holder: "***" }));
    expect(events.text).not.toContain("carol");
  });

  test.each<[string, object, object]>([
    ["paths", { redact: { paths: ["reason", "..secret"] } }, { reason: "***", note: { secret: "***" } }],
    [
      "payload_mode",
      { redact: { paths: ["reason"] }, payload_mode: "metadata_only" },
      { reason: "***", note: expect.objectContaining({ $redacted: "metadata_only" }) },
    ],
  ])("keeps to them in all else that a claim says: %s", async (name, settings, shown) => {
    await setApp(target, "all", settings);
    const said = '"holder":"worker-2","lease_seconds":60,"reason":"canary-1","note":{"secret":"canary-2"}';
    const text = (await exported("all")).replaceAll('"holder":"worker-2"', said);
    const [raw] = recordsIn(text, "event").filter((line) => JSON.stringify(line["event"]).includes("canary-1"));
    const file = fileOf(`claims-${name}.ndjson`, text);

    await expect(run(file, "--tenant", "demo")).rejects.toThrow("1 run could not be imported");

    for (const { where, text: bytes } of await everyByteOf(target)) {
      expect({ where, isThere: bytes.includes("canary") }).toEqual({ where, isThere: false });
    }
    const path = { run_id: "continued" };
    const { data } = (await target.get({ resource: "/v1/runs/{run_id}/events", path })).json;
    const claim = data.find(
      ({ type, epoch }: { type: string; epoch: number }) => type === "run.claimed" && epoch === 2,
    );
    expect(claim).toMatchObject({ holder: "worker-2", lease_seconds: 60, redacted: ["note", "reason"], ...shown });
    expect(claim.digest).not.toBe(raw?.["digest"]);
    await expect(run(file, "--tenant", "demo")).rejects.toThrow("1 run could not be imported");
    expect((await target.get({ resource: "/v1/runs/{run_id}/events", path })).json.data).toEqual(data);
  });

  test("finds what was imported before there were rules", async () => {
    const file = fileOf("before-rules.ndjson", (await exported("all")).replaceAll('"worker-2"', '"carol@example.org"'));
    await run(file, "--tenant", "demo");
    await setApp(target, "all", { redact: { detectors: ["emails"] } });
    clock.advance(SETTINGS_LAG_MS);

    expect((await run(file, "--tenant", "demo")).out).toContain("recorded 0 events");
  });

  test("needs no checksum of uploads: older exports have none", async () => {
    const text = (await exported("all")).replaceAll(/"sha256":"\w+",/g, "");
    expect((await run(fileOf("older.ndjson", text), "--tenant", "demo")).out).toMatch(/^Read \d+ runs, recorded/);
  });
});

describe("a run that cannot be imported", () => {
  test("is named, and the others are: it was deleted here", async () => {
    const file = fileOf("deleted.ndjson", await exported("all"));
    await postEvents(target, [eventText("run.started", { run_id: "lost", ...RUN })]);
    expect((await target.delete({ resource: "/v1/runs/{run_id}", path: { run_id: "lost" } })).status).toBe(200);
    const notes: string[] = [];
    const io = commandIo({ environment: announced.environment, now: clock.now, note: (line) => void notes.push(line) });

    await expect(importGroup.run([file, "--tenant", "demo"], io)).rejects.toThrow("1 run could not be imported");

    expect(notes.at(-1)).toBe("lost: the run was deleted here");
    expect((await target.get({ resource: "/v1/runs/{run_id}", path: { run_id: "odd" } })).status).toBe(200);
    expect((await target.get({ resource: "/v1/runs/{run_id}", path: { run_id: "lost" } })).status).toBe(404);
  });

  test("is named, and the others are: somebody else has continued it here", async () => {
    const file = fileOf("claimed.ndjson", await exported("all"));
    await postEvents(target, [eventText("run.started", { run_id: "continued", ...RUN })]);
    const { event } = claimed(2, 90);
    const receivedAt = clock.now();
    const arrival = {
      ...arrivalOf([{ ...event, runId: runKey("demo", "continued").runId }], { actor: "caller" }),
      receivedAt,
    };
    const ulid = target.dependencies.newUlid(receivedAt);
    await recordClaim(target.dependencies, runKey("demo", "continued"), { arrival: { ...arrival, ulid }, epoch: 2 });

    await expect(run(file, "--tenant", "demo")).rejects.toThrow("1 run could not be imported, or not wholly");
  });
});

describe("a file that is not whole, or no export, is refused before anything is written", () => {
  const whole = (): Promise<string> => exported("all");
  const withoutLine = (text: string, start: string): string => {
    const lines = text.split("\n");
    lines.splice(
      lines.findIndex((line) => line.startsWith(start)),
      1,
    );
    return lines.join("\n");
  };

  test.each<[string, (text: string) => string | Buffer, string]>([
    [
      "without its last line",
      (text) => withoutLine(text, '{"record":"end"'),
      "ends before the last line of the export",
    ],
    ["cut inside a line", (text) => text.slice(0, 5_000), "expected a line of JSON; the file was cut off"],
    [
      "without its first line",
      (text) => text.slice(text.indexOf("\n") + 1),
      ":1: expected the first line of an export",
    ],
    ["without an event", (text) => withoutLine(text, '{"record":"event"'), "a file is missing, or came twice"],
    ["without a run's line", (text) => withoutLine(text, '{"record":"run"'), "a file is missing"],
    [
      "without a piece of an upload",
      (text) => withoutLine(text, '{"record":"upload"'),
      "a piece of an upload is missing",
    ],
    ["empty", () => "", "there is nothing in it"],
    ["of something else", () => '{"type":"run.started"}\n', "expected a line of an export of Runstone"],
    ["of no JSON", () => "hello\n", "expected a line of JSON"],
    ["of a later format", (text) => text.replace('"format":1', '"format":2'), "format: expected format 1"],
    [
      "with a bad event",
      (text) => text.replaceAll('"type":"run.started"', '"type":"run.begun"'),
      "the event cannot be recorded: type: expected an event type",
    ],
    [
      "with events of another run",
      (text) =>
        text.replaceAll('"event":{"type":"run.started","run_id":"', '"event":{"type":"run.started","run_id":"x'),
      "run_id: expected the run's own events",
    ],
    [
      "with an upload that is named like a file elsewhere",
      (text) => text.replaceAll(/"upload_id":"\w+"/g, '"upload_id":"../t-acme/stolen"'),
      "upload_id: expected the id of an upload (a ULID)",
    ],
    [
      "with an event that refers to such an upload",
      (text) => text.replaceAll(/"uploads":\{"inputs":"\w+"/g, '"uploads":{"inputs":"../t-acme/stolen"'),
      "uploads.inputs: expected the id of an upload (a ULID)",
    ],
    [
      "with other bytes of an upload",
      (text) => text.replace(/"base64":"(.)/, (_, first) => `"base64":"${first === "A" ? "B" : "A"}`),
      "the bytes of the upload",
    ],
    [
      "with an event of several lines that is none",
      (text) => text.replaceAll(/"event_text":"\{/g, '"event_text":"'),
      "event_text: expected JSON",
    ],
    [
      "with a claim that has no epoch",
      (text) => text.replaceAll(/("type":"run.claimed".*?"epoch":)\d/g, "$10"),
      "the event cannot be recorded: epoch: ",
    ],
    ["with a digest that is none", (text) => text.replace(/"digest":"\w{4}/, '"digest":"'), "expected a digest"],
  ])("%s", async (name, change, message) => {
    const file = fileOf(`${name.replaceAll(/\W/g, "-")}.ndjson`, change(await whole()));

    await expect(run(file, "--tenant", "demo")).rejects.toThrow(message);

    expect(await storedBy(target)).toEqual({ items: 0, objects: 0 });
  });

  test("gzip that was cut, or is none", async () => {
    const zipped = gzipSync(await whole());
    const cut = fileOf("cut.ndjson.gz", zipped.subarray(0, zipped.length / 2));
    const none = fileOf("none.ndjson.gz", "hello");

    await expect(run(cut, "--tenant", "demo")).rejects.toThrow(/cut\.ndjson\.gz was cut off: its end is missing$/);
    await expect(run(none, "--tenant", "demo")).rejects.toThrow("is no gzip file");
    await expect(run(join(directory, "nowhere"), "--tenant", "demo")).rejects.toThrow("there is no file");
    await expect(run(directory, "--tenant", "demo")).rejects.toThrow("cannot be read (EISDIR)");
  });

  test("without events, or without the scope for payload", async () => {
    const light = fileOf("light.ndjson", await exported("support-chat", "read"));

    await expect(run(light, "--tenant", "demo")).rejects.toThrow("this export cannot be imported");
  });

  test("files of one export in the wrong order, or one of them twice", async () => {
    const lines = (await whole()).split("\n");
    const first = fileOf("first.ndjson", `${lines.slice(0, 10).join("\n")}\n`);
    const second = fileOf("second.ndjson", lines.slice(10).join("\n"));

    await expect(run(second, first, "--tenant", "demo")).rejects.toThrow("name its files in their order");
    await expect(run(first, first, second, "--tenant", "demo")).rejects.toThrow("the export before has no last line");
    await expect(run(first, "--tenant", "demo")).rejects.toThrow("a file is missing");
  });

  test("what was not asked for correctly", async () => {
    const file = fileOf("asked.ndjson", await exported("support-chat"));

    await expect(run(file)).rejects.toThrow("--tenant is needed");
    await expect(run("--tenant", "demo")).rejects.toThrow("expected the files of an export");
    await expect(run()).rejects.toThrow("expected the files of an export");
    await expect(run(file, "--tenant", "a#b")).rejects.toThrow("--tenant: expected an id");
    await expect(run(file, "--tenant", "demo", "--all")).rejects.toThrow("Unknown option '--all'");
  });

  test("what is only to be checked", async () => {
    const file = fileOf("checked.ndjson", await exported("support-chat"));

    expect((await run(file, "--tenant", "demo", "--check")).out).toMatch(
      /^Good: \d+ runs? with \d+ events of support-chat\. Nothing was written\.$/,
    );
    expect(await storedBy(target)).toEqual({ items: 0, objects: 0 });
  });
});
