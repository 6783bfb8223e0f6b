import {
  type EventReading,
  type FieldValue,
  MAX_AHEAD_MS,
  MAX_DEPTH,
  type ProducedEvent,
  readEvent,
} from "../../shared/contract/event.ts";
import { EVENT_TYPES } from "../../shared/contract/event-fields.ts";
import { readEventLines, readEventList, readMessage } from "../../shared/contract/event-list.ts";
import { JsonText, writeJson } from "../../shared/contract/json-text.ts";
import { at, ZERO } from "../support/builders.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";

const readText = (text: string, isFromQueue = false): EventReading =>
  readEvent({ text, value: JSON.parse(text) as unknown }, { now: ZERO, isFromQueue });

const read = (...of: Parameters<typeof eventText>): EventReading => readText(eventText(...of));

const accepted = (reading: EventReading): ProducedEvent => {
  if (!reading.ok) throw new Error(JSON.stringify(reading.errors));
  return reading.event;
};

const refusal = (reading: EventReading) => {
  if (reading.ok) throw new Error("expected a refusal");
  return { code: reading.code, paths: reading.errors.map(({ path }) => path) };
};

const fieldsOf = (event: ProducedEvent): Record<string, unknown> => Object.fromEntries(event.fields);
const payloadOf = (event: ProducedEvent): Record<string, string> =>
  Object.fromEntries(
    event.payload.map(({ field, key, text }) => [key === undefined ? field : `${field}.${key}`, text]),
  );

describe("an event", () => {
  it.each(EVENT_TYPES)("of type %s is accepted with no more than it needs", (type) => {
    expect(accepted(read(type))).toMatchObject({
      type,
      runId: "run-1",
      at: "2026-11-22T10:00:00.000000000Z",
      epoch: 1,
    });
  });

  it.each([
    ["run_id", "run.heartbeat"],
    ["at", "run.heartbeat"],
    ["type", "run.heartbeat"],
    ["app_id", "run.started"],
    ["status", "run.finished"],
    ["node_execution_id", "node.started"],
    ["node_execution_id", "node.checkpointed"],
    ["node_execution_id", "node.retried"],
    ["retry_index", "node.retried"],
    ["node_execution_id", "node.paused"],
    ["node_execution_id", "node.finished"],
    ["status", "node.finished"],
    ["node_execution_id", "agent.logged"],
    ["log_id", "agent.logged"],
  ] as const)("without %s is refused (%s)", (field, type) => {
    expect(refusal(read(type, { [field]: undefined }))).toEqual({ code: "INVALID_EVENT", paths: [field] });
    expect(refusal(read(type, { [field]: null }))).toEqual({ code: "INVALID_EVENT", paths: [field] });
  });

  it("needs no app id where it does not start its run", () => {
    expect(accepted(read("run.scheduled")).appId).toBeUndefined();
    expect(accepted(read("node.started", { app_id: "app-7" })).appId).toBe("app-7");
  });

  it.each(["run.claimed", "run.deleted", "", "__proto__", "constructor"])(
    "of the unknown type %j is refused",
    (type) => {
      expect(refusal(readText(writeJson({ type, run_id: "r", at: at(0) })))).toEqual({
        code: "INVALID_EVENT",
        paths: ["type"],
      });
    },
  );

  it.each(["", "x".repeat(129), "a b", "a/b", "a#b", "ä", "a\n", 7, ["a"]])("with the id %j is refused", (id) => {
    expect(refusal(read("run.heartbeat", { run_id: id })).paths).toEqual(["run_id"]);
    expect(refusal(read("run.heartbeat", { id })).paths).toEqual(["id"]);
    expect(refusal(read("run.heartbeat", { app_id: id })).paths).toEqual(["app_id"]);
  });

  it.each(["x", "x".repeat(128), "a-B_3.:z", "..", "-"])("with the id %j is accepted", (id) => {
    expect(accepted(read("run.heartbeat", { run_id: id, id, app_id: id }))).toMatchObject({ runId: id, id, appId: id });
  });

  it.each([0, -1, 1.5, "1", 2 ** 53])("with epoch %j is refused", (epoch) => {
    expect(refusal(read("run.heartbeat", { epoch })).paths).toEqual(["epoch"]);
  });

  it("is of epoch 1 where it does not say", () => {
    expect(accepted(read("run.heartbeat", { epoch: null })).epoch).toBe(1);
    expect(accepted(read("run.heartbeat", { epoch: 7 })).epoch).toBe(7);
  });

  it("that happened up to 24 hours ahead is accepted, and later is AT_IN_FUTURE", () => {
    expect(read("run.heartbeat", { at: new Date(ZERO + MAX_AHEAD_MS).toISOString() }).ok).toBe(true);
    const later = read("run.heartbeat", { at: new Date(ZERO + MAX_AHEAD_MS + 1).toISOString() });
    expect(refusal(later)).toEqual({ code: "AT_IN_FUTURE", paths: ["at"] });
    expect(MAX_AHEAD_MS).toBe(24 * 60 * 60 * 1000);
  });

  it("may have happened long ago", () => {
    expect(read("run.heartbeat", { at: "1970-01-01T00:00:00Z" }).ok).toBe(true);
  });

  it("is refused with everything that is wrong with it at once", () => {
    const reading = read("run.started", { run_id: "", at: "yesterday", tags: ["a", 2], idle_timeout: -1 });
    expect(refusal(reading)).toEqual({
      code: "INVALID_EVENT",
      paths: ["run_id", "at", "tags.1", "idle_timeout"],
    });
  });

  it("that names a field twice is refused: which value counts would be a guess", () => {
    const text = `{"type":"run.heartbeat","run_id":"r","at":"${at(0)}","a":1,"\\u0061":2}`;
    expect(refusal(readText(text))).toEqual({ code: "INVALID_EVENT", paths: ["a"] });
  });

  it.each(["[]", "null", "7", '"text"', "true"])("is an object, not %s", (text) => {
    expect(refusal(readText(text))).toEqual({ code: "INVALID_EVENT", paths: [""] });
  });

  it("that is refused still tells its id and run, where they are texts of a bearable length", () => {
    expect(read("run.heartbeat", { id: "e 1", run_id: "r 1" })).toMatchObject({ ok: false, id: "e 1", runId: "r 1" });
    expect(read("run.heartbeat", { id: 1, run_id: "r".repeat(300) })).toMatchObject({
      id: undefined,
      runId: undefined,
    });
  });

  it(`nests ${MAX_DEPTH} levels, itself being the first, and no more`, () => {
    const nested = (levels: number) => json("[".repeat(levels) + "]".repeat(levels));
    expect(MAX_DEPTH).toBe(200);
    expect(read("run.started", { inputs: nested(199) }).ok).toBe(true);
    expect(refusal(read("run.started", { inputs: nested(200) })).code).toBe("TOO_DEEP");
    expect(refusal(read("run.started", { execution_metadata: json(`{"a":${nested(199).text}}`) })).code).toBe(
      "TOO_DEEP",
    );
  });
});

describe("the tenant", () => {
  it("comes with an event of the queue", () => {
    expect(readText(ofTenant("acme", eventText("run.heartbeat")), true)).toMatchObject({ ok: true, tenantId: "acme" });
  });

  it.each(['""', "7", "null", '"a b"', '"a#b"'])("must be an id there, not %s", (tenantId) => {
    const text = `{"tenant_id":${tenantId},${eventText("run.heartbeat").slice(1)}`;
    expect(refusal(readText(text, true))).toEqual({ code: "INVALID_EVENT", paths: ["tenant_id"] });
  });

  it("must be named there", () => {
    expect(refusal(readText(eventText("run.heartbeat"), true)).paths).toEqual(["tenant_id"]);
  });

  it("is told of an event that is refused for something else", () => {
    const text = ofTenant("acme", eventText("run.heartbeat", { at: "never" }));
    expect(readText(text, true)).toMatchObject({ ok: false, tenantId: "acme" });
  });

  it.each(['"acme"', "null"])("is refused over HTTP, where the credential names it: %s", (tenantId) => {
    const text = `{"tenant_id":${tenantId},${eventText("run.heartbeat").slice(1)}`;
    expect(readText(text)).toMatchObject({ ok: false, tenantId: undefined });
    expect(refusal(readText(text)).paths).toEqual(["tenant_id"]);
  });
});

describe("a field", () => {
  it.each<[string, Parameters<typeof eventText>]>([
    ["status", ["run.finished", { status: "exception" }]],
    ["status", ["node.finished", { status: "partial-succeeded" }]],
    ["total_tokens", ["run.finished", { total_tokens: 1.5 }]],
    ["total_steps", ["run.finished", { total_steps: -1 }]],
    ["exceptions_count", ["run.finished", { exceptions_count: "1" }]],
    ["elapsed_time", ["run.finished", { elapsed_time: -0.1 }]],
    ["elapsed_time", ["run.finished", { elapsed_time: json("1e400") }]],
    ["error", ["run.finished", { error: 7 }]],
    ["error", ["run.finished", { error: [] }]],
    ["created_by_role", ["run.started", { created_by_role: "robot" }]],
    ["parent_run_id", ["run.started", { parent_run_id: "a b" }]],
    ["tags", ["run.started", { tags: Array.from({ length: 21 }, () => "t") }]],
    ["tags", ["run.started", { tags: "t" }]],
    ["retry_index", ["node.retried", { retry_index: 0 }]],
    ["sequence", ["node.checkpointed", { sequence: -1 }]],
    ["index", ["node.started", { index: 0.5 }]],
    ["execution_metadata", ["node.started", { execution_metadata: [] }]],
    ["metadata", ["agent.logged", { metadata: "m" }]],
  ])("%s must be what the contract says (%j)", (path, [type, members]) => {
    expect(refusal(read(type, members))).toEqual({ code: "INVALID_EVENT", paths: [path] });
  });

  it.each(["succeeded", "failed", "stopped", "partial-succeeded"])("status of a run's end can be %s", (status) => {
    expect(read("run.finished", { status }).ok).toBe(true);
  });

  it.each(["succeeded", "failed", "exception", "stopped"])("status of a node's end can be %s", (status) => {
    expect(read("node.finished", { status }).ok).toBe(true);
  });

  it("of 20 tags is accepted", () => {
    expect(read("run.started", { tags: Array.from({ length: 20 }, () => "t") }).ok).toBe(true);
  });

  it("that is null is kept as null, and an absent one is absent", () => {
    const { fields } = accepted(read("run.started", { workflow_id: null }));
    expect([...fields]).toEqual([["workflow_id", null]]);
  });

  it("of a free form is kept as its text: an error, metadata", () => {
    const event = accepted(
      read("agent.logged", {
        error: json('{"code" : "\\u0045"}'),
        metadata: json('{"n":1.0}'),
        label: json('"\\u0061"'),
      }),
    );
    expect(fieldsOf(event)).toMatchObject({
      error: new JsonText('{"code" : "\\u0045"}'),
      metadata: new JsonText('{"n":1.0}'),
      label: "a",
    });
    expect(event.payload).toEqual([]);
  });

  it("`execution_metadata` is kept key by key, as texts, and a long one of its values is payload", () => {
    const long = JSON.stringify("x".repeat(2000));
    const event = accepted(
      read("node.finished", { execution_metadata: json(`{"total_price":"0E-7","n":1.0,"nil":null,"tool":${long}}`) }),
    );
    const kept = event.fields.get("execution_metadata") as ReadonlyMap<string, JsonText>;
    expect([...kept].map(([key, { text }]) => [key, text])).toEqual([
      ["total_price", '"0E-7"'],
      ["n", "1.0"],
      ["nil", "null"],
    ]);
    expect(payloadOf(event)).toEqual({ "execution_metadata.tool": long });
  });

  it.each(["title", "error"])("that is long counts as payload, exactly as it arrived: %s", (name) => {
    const long = `"\\u0061${"x".repeat(2000)}"`;
    const event = accepted(read("node.finished", { [name]: json(long) }));
    expect(event.fields.has(name)).toBe(false);
    expect(payloadOf(event)).toEqual({ [name]: long });
  });

  it("is long or short whatever its white space and escapes", () => {
    const spaced = json(`{"code":${" ".repeat(2000)}"E1"}`);
    const escaped = json(`"${"\\u0061".repeat(1000)}"`);
    for (const error of [spaced, escaped]) {
      expect(accepted(read("node.finished", { error })).fields.get("error")).toEqual(error);
    }
  });
});

describe("payload", () => {
  it("is inputs, outputs, process_data, graph, data, reasons and every unknown field, as the text that arrived", () => {
    const texts = {
      inputs: '{ "b":1.0, "a":12345678901234567890 }',
      outputs: "1e400",
      process_data: '"\\u00e9\\ud800"',
      graph: "[ ]",
      data: "null",
      reasons: '[{"type":"form"}]',
      unknown: "-0",
      __proto: "true",
    };
    const event = accepted(
      read(
        "run.heartbeat",
        Object.entries(texts).map(([name, text]) => [name, json(text)] as const),
      ),
    );
    expect(payloadOf(event)).toEqual(texts);
    expect(event.fields.size).toBe(0);
  });

  it("is a field of another type too: a run has no node_id of its own", () => {
    const event = accepted(read("run.started", { node_id: "n", title: "My run", version: 3 }));
    expect(payloadOf(event)).toEqual({ node_id: '"n"', title: '"My run"', version: "3" });
  });

  it.each(["__proto__", "constructor", "toString", ""])("keeps a field named %j", (name) => {
    const event = accepted(read("run.heartbeat", [[name, json("{}")]]));
    expect(event.payload).toEqual([{ field: name, text: "{}" }]);
  });

  it("holds no field of the envelope", () => {
    const event = accepted(
      readText(ofTenant("acme", eventText("run.heartbeat", { id: "e", epoch: 1, app_id: "a" })), true),
    );
    expect(event.payload).toEqual([]);
    expect([...event.fields]).toEqual<[string, FieldValue][]>([]);
  });
});

describe("a body", () => {
  const [first, second] = [eventText("run.heartbeat"), eventText("run.paused")];
  const texts = (list: ReturnType<typeof readEventList>) =>
    list.ok ? list.events.map(({ text, value }) => [text, value]) : list.errors.map(({ path }) => path);
  const pairs = [first, second].map((text) => [text, JSON.parse(text) as unknown]);

  it("holds events, each as its text and the same parsed", () => {
    expect(texts(readEventList(`{"a":[1], "events" : [ ${first}, ${second} ] }`))).toEqual(pairs);
    expect(texts(readEventList('{"events":[]}'))).toEqual([]);
  });

  it("with events twice says so: neither list is dropped in silence", () => {
    expect(texts(readEventList(`{"events":[1,2,3],"events":[${first},${second}]}`))).toEqual(["events"]);
  });

  it.each([
    ["not json", [""]],
    ["[]", [""]],
    ["{}", ["events"]],
    ['{"events":{}}', ["events"]],
  ])("that is not such an object says so: %s", (body, paths) => {
    expect(texts(readEventList(body))).toEqual(paths);
  });

  it("of lines holds an event a line, and empty lines do not count", () => {
    expect(readEventLines(`${first}\r\n\n  \n${second}`)).toEqual(pairs.map(([text, value]) => ({ text, value })));
    expect(readEventLines("{\n")).toEqual([{ text: "{", value: undefined }]);
  });

  it.each([
    ["one event", first, pairs.slice(0, 1)],
    ["a list", `[${first},${second}]`, pairs],
    ["an object with events", `{"events":[${first},${second}]}`, pairs],
  ])("of a queue message can be %s", (_name, body, expected) => {
    expect(texts(readMessage(body))).toEqual(expected);
  });

  it("of a queue message that has a type is one event, whatever its field `events`", () => {
    const event = eventText("run.heartbeat", { events: [1, 2] });
    expect(texts(readMessage(event))).toEqual([[event, JSON.parse(event)]]);
  });

  it.each(["", "{", "7", "null"])("of a queue message that is none of these says so: %j", (body) => {
    expect(texts(readMessage(body))).toEqual([""]);
  });
});
