import { createHmac } from "node:crypto";
import { canonicalJson } from "../../shared/contract/canonical-json.ts";
import { readEvent } from "../../shared/contract/event.ts";
import type { EventType } from "../../shared/contract/event-fields.ts";
import { redactorOf } from "../../shared/domain/redaction/redaction.ts";
import type { RedactionRules } from "../../shared/domain/redaction/redaction-rules.ts";
import { eventText, json } from "../support/event-text.ts";

const SECRET = "of this tenant";
const EMAIL = "ann@example.com";
const NO_RULES: RedactionRules = { paths: [], detectors: [], payloadMode: "full" };

const redactedBy = (rules: Partial<RedactionRules>, text: string) =>
  redactorOf({ ...NO_RULES, ...rules }, SECRET).event(text);

/** The fields of an event of one type, redacted, as they can be read. */
const fieldsBy = (
  rules: Partial<RedactionRules>,
  type: EventType,
  members: Parameters<typeof eventText>[1],
): Record<string, unknown> => JSON.parse(redactedBy(rules, eventText(type, members)).text) as Record<string, unknown>;

describe("a path", () => {
  it("replaces the value it means, of any type, and nothing else", () => {
    const text = String.raw`{ "type":"run.started","run_id":"r", "app_id" : "a","at":"2026-11-22T10:00:00Z",
      "inputs" : {"password" : "p\u0061ss" , "user":{"password":1.0, "n":12345678901234567890},"a":[ 1 , 2 ]}}`;
    const { text: left, fields } = redactedBy(
      { paths: ["$.inputs.password", "inputs.user.password", "inputs.a[1]"] },
      text,
    );
    expect(left).toBe(
      text.replace(String.raw`"p\u0061ss"`, '"***"').replace("1.0", '"***"').replace("[ 1 , 2 ]", '[ 1 , "***" ]'),
    );
    expect(fields).toEqual(["inputs"]);
  });

  it.each([['"text"'], ["0"], ["null"], ["true"], ['{"a":[{}]}'], ["[[],{}]"]])(
    "replaces %s below a field",
    (value) => {
      expect(fieldsBy({ paths: ["inputs.a"] }, "run.started", { inputs: json(`{"a":${value}}`) })["inputs"]).toEqual({
        a: "***",
      });
    },
  );

  it("leaves a field that is null: it says nothing", () => {
    const text = eventText("run.finished", { error: null, outputs: null });
    expect(redactedBy({ paths: ["error", "outputs"], payloadMode: "metadata_only" }, text)).toEqual({
      text,
      fields: [],
    });
  });

  it("meets names by what they say, however they are spelled", () => {
    const inputs = json(String.raw`{"p\u0061ss":1,"with.dot":2,"it's":3,"":4}`);
    const paths = ["inputs.pass", "inputs['with.dot']", `inputs["it's"]`, "inputs['']"];
    expect(redactedBy({ paths }, eventText("run.started", { inputs })).text).toContain(
      String.raw`{"p\u0061ss":"***","with.dot":"***","it's":"***","":"***"}`,
    );
  });

  it("meets every member or element by *", () => {
    const paths = ["inputs.list[*].a", "inputs.map.*"];
    const inputs = { list: [{ a: 1, b: 1 }, { a: 2 }, [3]], map: { x: 1, y: [2] }, other: { a: 1 } };
    expect(fieldsBy({ paths }, "run.started", { inputs })["inputs"]).toEqual({
      list: [{ a: "***", b: 1 }, { a: "***" }, [3]],
      map: { x: "***", y: "***" },
      other: { a: 1 },
    });
  });

  it("meets a name at any depth by .., in payload, texts and metadata, and a field that is payload", () => {
    const members = {
      password: "p",
      inputs: { a: [{ password: "p", b: [[{ password: { c: 1 } }]] }] },
      execution_metadata: { password: "p", nested: { password: 1 }, total_tokens: 5 },
      error: { message: "m", password: "p" },
    };
    const found = fieldsBy({ paths: ["..password"] }, "node.finished", members);
    expect(found).toMatchObject({
      password: "***",
      inputs: { a: [{ password: "***", b: [[{ password: "***" }]] }] },
      execution_metadata: { password: "***", nested: { password: "***" }, total_tokens: 5 },
      error: { message: "m", password: "***" },
    });
  });

  it("goes on from a name at any depth", () => {
    const paths = ["..user.email", "..headers[*].value"];
    const inputs = {
      user: { email: "e", name: "n" },
      a: [{ user: { user: { email: "e" } } }],
      headers: [{ value: 1 }],
    };
    expect(fieldsBy({ paths }, "run.started", { inputs })["inputs"]).toEqual({
      user: { email: "***", name: "n" },
      a: [{ user: { user: { email: "***" } } }],
      headers: [{ value: "***" }],
    });
  });

  it("by .. leaves what state is made of, and the form of what must keep one", () => {
    const paths = ["status", "node_id", "index", "execution_metadata", "tags", "type", "at", "run_id"].map(
      (name) => `..${name}`,
    );
    const finish = eventText("node.finished", {
      node_id: "n",
      index: 1,
      execution_metadata: { tags: ["a"], total_tokens: 1 },
    });
    expect(redactedBy({ paths }, finish).text).toBe(finish.replace('["a"]', '"***"'));
    const start = eventText("run.started", { tags: ["a"] });
    expect(redactedBy({ paths }, start)).toEqual({ text: start, fields: [] });
  });

  it("by .. meets a field that is structure elsewhere and payload here", () => {
    expect(fieldsBy({ paths: ["..status"] }, "run.started", { status: "of the caller's own" })["status"]).toBe("***");
  });

  it.each([
    ["title", "node.started", "text"],
    ["created_by", "run.started", "ann"],
    ["reason", "run.resumed", "because"],
    ["label", "agent.logged", "a line"],
    ["error", "run.finished", { code: "E", message: "m" }],
    ["error", "node.finished", "m"],
    ["inputs", "run.started", { a: 1 }],
    ["reasons", "run.paused", [{ type: "human" }]],
    ["a field of ours", "run.started", 7],
  ] as const)("replaces %s of %s whole", (field, type, value) => {
    const text = eventText(type, { [field]: value });
    const { text: left, fields } = redactedBy({ paths: [`['${field}']`] }, text);
    expect(JSON.parse(left)).toEqual({ ...(JSON.parse(text) as object), [field]: "***" });
    expect(fields).toEqual([field]);
  });

  it("reaches into tags and metadata", () => {
    expect(fieldsBy({ paths: ["tags[1]"] }, "run.started", { tags: ["a", "b"] })["tags"]).toEqual(["a", "***"]);
    expect(
      fieldsBy({ paths: ["metadata.a", "execution_metadata.b"] }, "agent.logged", { metadata: { a: { c: 1 }, b: 2 } })[
        "metadata"
      ],
    ).toEqual({ a: "***", b: 2 });
  });

  it("that says nothing readable means nothing", () => {
    const text = eventText("run.started", { inputs: { a: 1 } });
    expect(redactedBy({ paths: ["inputs["] }, text)).toEqual({ text, fields: [] });
  });
});

describe("a detector", () => {
  const rules = { detectors: ["emails"] } as const;

  it("replaces what it finds in strings and names at any depth, and leaves other bytes", () => {
    const text = eventText("node.finished", {
      title: `to ${EMAIL}`,
      node_type: EMAIL,
      created_by: EMAIL,
      error: `no such user: ${EMAIL}!`,
      inputs: json(`{ "a" : [ 1.0, "x ${EMAIL}" ], "${EMAIL}":{"b":"\\n"} }`),
      execution_metadata: { [EMAIL]: EMAIL },
    });
    const { text: left, fields } = redactedBy(rules, text);
    expect(left).toBe(text.replaceAll(EMAIL, "***"));
    expect(fields).toEqual(["title", "node_type", "created_by", "error", "inputs", "execution_metadata"]);
  });

  it("reads escapes, and keeps the spelling of strings in which it finds nothing", () => {
    const inputs = json(String.raw`{"a":"x\u0061nn\u0040example\u002ecom \"q\"","b":"\u0061\/"}`);
    expect(redactedBy(rules, eventText("run.started", { inputs })).text).toContain(
      String.raw`{"a":"*** \"q\"","b":"\u0061\/"}`,
    );
  });

  it("leaves ids, though they look like keys", () => {
    const key = `sk-${"a1B2".repeat(10)}`;
    const text = eventText("node.started", { run_id: key, node_execution_id: key, node_id: key, iteration_id: key });
    expect(redactedBy({ detectors: ["api_keys", "tokens", "emails"] }, text)).toEqual({ text, fields: [] });
  });

  it("keeps names apart that become the same", () => {
    const text = eventText("run.started", [
      ["a@example.com", 1],
      ["b@example.com", 2],
      ["***2", 3],
      ["inputs", { "a@example.com": 1, "b@example.com": 2, c: 3, "d@example.com": 4 }],
    ]);
    const { text: left, fields } = redactedBy(rules, text);
    expect(JSON.parse(left)).toMatchObject({
      "***": 1,
      "***2": 3,
      "***3": 2,
      inputs: { "***": 1, "***2": 2, c: 3, "***3": 4 },
    });
    expect(fields).toEqual(["***", "***3", "inputs"]);
  });

  it("finds nothing in numbers, and what JSON in a string holds", () => {
    expect(fieldsBy(rules, "run.started", { inputs: JSON.stringify({ to: EMAIL, n: 1 }) })["inputs"]).toBe(
      '{"to":"***","n":1}',
    );
  });
});

describe("metadata_only", () => {
  const rules = { payloadMode: "metadata_only" } as const;
  const kept = (text: string) => ({
    $redacted: "metadata_only",
    size: Buffer.byteLength(text),
    digest: `hmac-sha256:${createHmac("sha256", SECRET).update(canonicalJson(text)).digest("hex")}`,
  });

  it("leaves size and keyed digest of every payload value", () => {
    const inputs = '{ "é": 1.0 }';
    const members = { inputs: json(inputs), graph: { nodes: [] }, ours: "x", tags: ["t"], created_by: "ann" };
    const { text, fields } = redactedBy(rules, eventText("run.started", members));
    expect(JSON.parse(text)).toMatchObject({
      inputs: kept(inputs),
      graph: kept('{"nodes":[]}'),
      ours: kept('"x"'),
      tags: ["t"],
      created_by: "ann",
    });
    expect(fields).toEqual(["inputs", "graph", "ours"]);
  });

  it("gives equal values, however they are spelled, one digest, and other tenants' another", () => {
    const digest = (inputs: string, secret = SECRET): unknown =>
      JSON.parse(
        redactorOf({ ...NO_RULES, ...rules }, secret).event(eventText("run.started", { inputs: json(inputs) })).text,
      ).inputs.digest;
    expect(digest('{"a":1,"b":"x"}')).toBe(digest(String.raw`{ "b":"\u0078", "a":1.0}`));
    expect(digest('{"a":1}')).not.toBe(digest('{"a":2}'));
    expect(digest('{"a":1}')).not.toBe(digest('{"a":1}', "of another tenant"));
  });

  it("keeps errors, titles and short metadata, and counts what is large in metadata as payload", () => {
    const large = "x".repeat(1023);
    const execution_metadata = {
      total_tokens: 5,
      total_price: "0.01",
      agent_log: [1],
      variables: { a: 1 },
      large,
      none: null,
    };
    const found = fieldsBy(rules, "node.finished", { title: "T", error: `failed ${large}`, execution_metadata });
    expect(found).toMatchObject({ title: "T", error: `failed ${large}` });
    expect(found["execution_metadata"]).toEqual({
      total_tokens: 5,
      total_price: "0.01",
      agent_log: kept("[1]"),
      variables: kept('{"a":1}'),
      large: kept(JSON.stringify(large)),
      none: null,
    });
    expect(fieldsBy(rules, "agent.logged", { data: [1], metadata: { a: 1, b: {} }, label: "L" })).toMatchObject({
      data: kept("[1]"),
      metadata: { a: 1, b: kept("{}") },
      label: "L",
    });
  });

  it("goes together with paths and detectors", () => {
    const both = { ...rules, paths: ["inputs", "execution_metadata.secret"], detectors: ["emails"] } as const;
    const execution_metadata = { secret: { a: 1 }, note: EMAIL, list: [EMAIL, 1], [EMAIL]: [EMAIL] };
    const found = fieldsBy(both, "node.finished", { inputs: 1, outputs: EMAIL, error: EMAIL, execution_metadata });
    expect(found).toMatchObject({ inputs: "***", outputs: kept(JSON.stringify(EMAIL)), error: "***" });
    expect(found["execution_metadata"]).toEqual({
      secret: "***",
      note: "***",
      list: kept(JSON.stringify([EMAIL, 1])),
      "***": kept(JSON.stringify([EMAIL])),
    });
  });

  it("takes nothing from what is reduced already", () => {
    const text = eventText("run.started", { inputs: { a: 1 }, graph: {} });
    const once = redactedBy(rules, text);
    expect(redactedBy(rules, once.text)).toEqual(once);
    expect(fieldsBy(rules, "run.started", { inputs: "***" })["inputs"]).toBe("***");
  });
});

it("leaves references to uploads, which say nothing of what they refer to", () => {
  const all = { paths: ["inputs"], detectors: ["api_keys"], payloadMode: "metadata_only" } as const;
  const text = eventText("run.started", { inputs: { $ref: "upload:01ARZ3NDEKTSV4RRFFQ69G5FAV" } });
  expect(redactedBy(all, text)).toEqual({ text, fields: [] });
  expect(fieldsBy(all, "run.started", { inputs: { $ref: "upload:what I want to say" } })["inputs"]).toBe("***");
});

describe("an event that is refused", () => {
  const all = { paths: ["..password"], detectors: ["emails"], payloadMode: "metadata_only" } as const;

  it("is redacted though its type is none", () => {
    const text = `{"type":"no.such","run_id":"run-1","tenant_id":"demo","error":"${EMAIL}","x":{"password":1}}`;
    const { text: left } = redactedBy({ ...all, payloadMode: "full" }, text);
    expect(JSON.parse(left)).toEqual({
      type: "no.such",
      run_id: "run-1",
      tenant_id: "demo",
      error: "***",
      x: { password: "***" },
    });
  });

  it("holds nothing in the place of ids, numbers and texts either", () => {
    const hidden = [
      ["run_id", { password: "hidden" }],
      ["index", "a hidden thing"],
      ["status", ["hidden"]],
      ["title", { password: "hidden" }],
      ["tags", "a hidden thing"],
      ["execution_metadata", "a hidden thing"],
      ["at", "a hidden thing"],
    ] as const;
    for (const [field, value] of hidden) {
      expect(redactedBy(all, eventText("node.finished", { [field]: value })).text).not.toContain("hidden");
    }
  });

  it("becomes *** where it is deeper than an event may be", () => {
    const deep = `${"[".repeat(200)}"hidden"${"]".repeat(200)}`;
    const text = eventText("run.started", { inputs: json(deep) });
    expect(readEvent({ text, value: {} }, { now: Date.now(), isFromQueue: false })).toMatchObject({ code: "TOO_DEEP" });
    expect(redactedBy({ paths: ["inputs.a"] }, text).text).toBe('"***"');
    const deepest = eventText("run.started", { inputs: json(`${"[".repeat(500_000)}${"]".repeat(500_000)}`) });
    expect(redactedBy({ paths: ["inputs.a"] }, deepest).text).toBe('"***"');
  });

  it("keeps an event of 200 levels", () => {
    const inputs = json(`${'{"a":'.repeat(198)}{"password":1}${"}".repeat(198)}`);
    const text = eventText("run.started", { inputs });
    expect(redactedBy({ paths: ["..password"] }, text).text).toBe(text.replace('"password":1', '"password":"***"'));
  });
});
