import { gunzipSync } from "node:zlib";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { postEvents, runKey, type Service, startService } from "../support/service.ts";
import { objectsOf } from "../support/stored.ts";
import { blobsOf } from "../support/uploads.ts";

const MB = 1024 * 1024;
/** JSON text of so many bytes, which comes back as it is: white space, numbers, escapes. */
const textOf = (bytes: number): string => {
  const frame = '{ "n":1.0, "é":"\\u00e9", "x":""}';
  return `{ "n":1.0, "é":"\\u00e9", "x":"${"x".repeat(bytes - Buffer.byteLength(frame))}"}`;
};

let service: Service;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
});
afterEach(() => service.stop());

const get = async (resource: string, more: object = {}) =>
  service.get({ resource, path: { run_id: "run-1", node_execution_id: "n1" }, ...more });
const downloaded = async (url: string): Promise<string> => {
  const key = decodeURIComponent(new URL(url).pathname.slice("/_objects/".length));
  return gunzipSync((await blobsOf(service).get(key)) ?? Buffer.of()).toString();
};
const linkTo = (text: string) => ({
  $ref: "download",
  url: expect.stringMatching(/\.json\.gz\?/),
  size: Buffer.byteLength(text),
  content_type: "application/json",
  content_encoding: "gzip",
  expires_at: new Date(clock.now() + 900_000).toISOString(),
});

describe("a payload value of more than 1 MB", () => {
  const text = textOf(2 * MB);

  test("reads as a link to the text that came, beside the other values", async () => {
    await postEvents(service, [eventText("run.started", { inputs: json(text), custom: json('[1.0, "small"]') })]);

    const { json: run } = await get("/v1/runs/{run_id}");

    expect(run).toMatchObject({ inputs: linkTo(text), custom: [1, "small"] });
    expect(await downloaded(run.inputs.url)).toBe(text);
  });

  test("is shown by its size and its head where payload is not asked for", async () => {
    const node = { node_execution_id: "n1", outputs: json(text) };
    await postEvents(service, [eventText("run.started"), eventText("node.finished", node)]);

    const { json: nodes } = await get("/v1/runs/{run_id}/nodes");
    const { json: withPayload } = await get("/v1/runs/{run_id}/nodes", { query: { include: "payload" } });
    const { json: one } = await get("/v1/runs/{run_id}/nodes/{node_execution_id}");
    const { json: events } = await get("/v1/runs/{run_id}/events");

    expect(nodes.data).toMatchObject([{ outputs_preview: text.slice(0, 64), outputs_size: Buffer.byteLength(text) }]);
    for (const shown of [withPayload.data[0], one, one.attempts[0], events.data[1]]) {
      expect(shown.outputs).toEqual(linkTo(text));
    }
  });

  test("is a link from the first byte over 1 MB on, and a value up to it", async () => {
    const [whole, over] = [textOf(MB), textOf(MB + 1)];
    await postEvents(service, [eventText("run.started", { inputs: json(whole), custom: json(over) })]);

    const { json: run, text: answer } = await get("/v1/runs/{run_id}");

    expect(run.custom).toEqual(linkTo(over));
    expect(answer).toContain(whole);
  });

  test("of 0.9 MB reads as the value", async () => {
    const small = textOf(Math.floor(0.9 * MB));
    await postEvents(service, [eventText("run.started", { inputs: json(small) })]);

    expect((await get("/v1/runs/{run_id}")).text).toContain(small);
    expect(objectsOf(service).filter((key) => key.endsWith(".gz"))).toEqual([]);
  });

  test("counts as small towards a page", async () => {
    const nodes = Array.from({ length: 8 }, (_, index) =>
      eventText("node.finished", { node_execution_id: `n${index}`, outputs: json(textOf(MB + 1 + index)) }),
    );
    await postEvents(service, [eventText("run.started")]);
    for (const node of nodes) await postEvents(service, [node]);
    const path = { run_id: "run-1" };

    const pages = await pagesOf(service, { resource: "/v1/runs/{run_id}/nodes", path, query: { include: "payload" } });
    const { json: events } = await get("/v1/runs/{run_id}/events");

    expect(pages).toHaveLength(1);
    expect(pages[0]?.json.data).toHaveLength(8);
    expect([events.data.length, events.has_more]).toEqual([9, false]);
    for (const node of pages[0]?.json.data ?? []) expect(node.outputs.$ref).toBe("download");
  });

  test("gives no link without the scope for payload", async () => {
    await postEvents(service, [eventText("run.started", { inputs: json(text) })]);

    const { text: answer } = await get("/v1/runs/{run_id}", { scopes: "read" });

    expect(answer).toContain('"payload_hidden":true');
    expect(answer).not.toMatch(/download|_objects|inputs_size/);
  });

  test("is an object of its own, found by its entry and the place in it, whatever the retention", async () => {
    await postEvents(service, [
      eventText("run.started", { inputs: json("{}"), outputs: json(text), custom: json(textOf(1.5 * MB)) }),
    ]);

    const keys = objectsOf(service);

    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toMatch(/^65d\/runs\/t-demo\/r-run-1\/[0-9A-Z]{26}-[12]\.json\.gz$/);
  });

  test("is one event however often it comes, and one state", async () => {
    const event = eventText("run.started", { id: "e1", inputs: json(text) });
    await postEvents(service, [event]);
    await postEvents(service, [event, event]);
    await service.deliver([ofTenant("demo", eventText("run.heartbeat"))]);

    const { json: run, headers } = await get("/v1/runs/{run_id}");

    expect(run.inputs).toEqual(linkTo(text));
    expect(headers["etag"]).toBe('"1-2"');
    expect(await downloaded(run.inputs.url)).toBe(text);
  });

  test("is the smaller of equal texts, as any value", async () => {
    const wide = text.replace('{ "n"', '{        "n"');
    await postEvents(service, [eventText("run.started", { id: "e1", inputs: json(wide) })]);
    await postEvents(service, [eventText("run.started", { id: "e1", inputs: json(text) })]);

    const { json: run } = await get("/v1/runs/{run_id}");

    expect(run.inputs).toEqual(linkTo(text));
    expect(await downloaded(run.inputs.url)).toBe(text);
  });

  test("is a link where it is a graph too, of each run its own", async () => {
    await postEvents(service, [eventText("run.started", { graph: json(text) })]);

    const { json: run } = await get("/v1/runs/{run_id}");

    expect(run.graph).toEqual(linkTo(text));
    expect(objectsOf(service).filter((key) => key.includes("graphs"))).toEqual([]);
  });

  test("stays with the ledger as text, for whoever reads it whole", async () => {
    await postEvents(service, [eventText("run.started", { inputs: json(text) })]);
    const run = runKey("demo", "run-1");
    const { entries } = await service.dependencies.ledger.readAll(run);
    const [place] = entries.flatMap(({ events }) => events.flatMap(({ payload }) => payload.map((one) => one.place)));

    expect(place && (await service.dependencies.ledger.readTexts(run, [place]))).toEqual([text]);
  });

  test("is a value, and needs no scope for payload, where it is the long form of a small field", async () => {
    const error = JSON.stringify({ message: "e".repeat(MB + 1) });
    await postEvents(service, [
      eventText("run.started"),
      eventText("run.finished", { status: "failed", error: json(error) }),
    ]);

    const { json: run } = await get("/v1/runs/{run_id}", { scopes: "read" });

    expect(JSON.stringify(run.error)).toBe(error);
  });

  test("is kept on hold and let go again with its run", async () => {
    await postEvents(service, [eventText("run.started", { inputs: json(text) })]);
    const { ledger } = service.dependencies;
    await ledger.keepUntil(runKey("demo", "run-1"), Number.POSITIVE_INFINITY);

    const { json: held } = await get("/v1/runs/{run_id}");

    expect(held.inputs.url).toContain("/held/runs/");
    expect(await downloaded(held.inputs.url)).toBe(text);
  });
});
