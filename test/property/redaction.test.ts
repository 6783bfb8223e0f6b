import fc from "fast-check";
import { DETECTORS, PAYLOAD_MODES } from "../../shared/contract/app-settings.ts";
import { readEvent } from "../../shared/contract/event.ts";
import { EVENT_TYPES, type EventType } from "../../shared/contract/event-fields.ts";
import { membersOf } from "../../shared/contract/json-text.ts";
import { detectorOf } from "../../shared/domain/redaction/detectors.ts";
import { redactorOf } from "../../shared/domain/redaction/redaction.ts";
import type { RedactionRules } from "../../shared/domain/redaction/redaction-rules.ts";
import { eventText, json } from "../support/event-text.ts";
import { jsonTexts } from "../support/json-texts.ts";

const KEY = `sk-${"a1B2".repeat(8)}`;
const SECRETS = ["ann@example.com", KEY, "Bearer abcdefgh12345678", `mail ann@example.com or use ${KEY}`];
const WORDS = [...SECRETS, "password", "user", "a", "b", "status", "***", "$ref", "é.com"];
const anyJson = jsonTexts(WORDS);

const PATHS = [
  "inputs",
  "inputs.password",
  "$.inputs.user.a",
  "inputs[*].password",
  "inputs.*",
  "inputs[0]",
  "..password",
  "..user..a",
  "..status",
  "outputs.*.*",
  "error",
  "title",
  "created_by",
  "tags[*]",
  "execution_metadata.a",
  "metadata.*",
  "['ann@example.com']",
  "ours.a",
];

const rulesOf: fc.Arbitrary<RedactionRules> = fc.record({
  paths: fc.uniqueArray(fc.constantFrom(...PATHS), { maxLength: 6 }),
  detectors: fc.subarray([...DETECTORS]),
  payloadMode: fc.constantFrom(...PAYLOAD_MODES),
});

const objectText = anyJson.filter((text) => text.startsWith("{"));
const word = fc.constantFrom(...WORDS);
const FIELDS: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
  ...["inputs", "outputs", "process_data", "graph", "data", "reasons", "ours", "ann@example.com", KEY].map(
    (name) => [name, anyJson.map(json)] as const,
  ),
  ["title", word],
  ["label", word],
  ["reason", word],
  ["created_by", word],
  ["node_type", word],
  ["triggered_from", word],
  ["tags", fc.array(word, { maxLength: 4 })],
  ["error", fc.oneof(word, objectText.map(json))],
  ["execution_metadata", objectText.map(json)],
  ["metadata", objectText.map(json)],
];

/** Good events of every type, as a producer sends them. */
const events: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...EVENT_TYPES),
    fc
      .subarray([...FIELDS])
      .chain((chosen) => fc.tuple(...chosen.map(([name, value]) => value.map((sent) => [name, sent] as const)))),
  )
  .map(([type, members]) => eventText(type as EventType, members as never));

const read = (text: string) =>
  readEvent({ text, value: JSON.parse(text) as unknown }, { now: Date.now(), isFromQueue: false });

/** The strings of a JSON text, names included, each with its place. */
const stringsOf = (text: string): string[] => text.match(/"(?:[^"\\]|\\.)*"/g) ?? [];

it("gives an event that reads like any other, and says truly whether it was touched", () => {
  fc.assert(
    fc.property(rulesOf, events, (rules, text) => {
      const redacted = redactorOf(rules, "secret").event(text);

      expect(read(redacted.text)).toMatchObject({ ok: true });
      if (redacted.text !== text) expect(redacted.fields).not.toEqual([]);
      const before = new Map(membersOf(text).members);
      for (const [name, value] of membersOf(redacted.text).members) {
        if (!redacted.fields.includes(name)) expect(value).toBe(before.get(name));
      }
    }),
    { numRuns: 600 },
  );
});

it("leaves nothing for another time", () => {
  fc.assert(
    fc.property(rulesOf, events, (rules, text) => {
      const redactor = redactorOf(rules, "secret");
      const { text: once } = redactor.event(text);
      expect(redactor.event(once).text).toBe(once);
    }),
    { numRuns: 600 },
  );
});

it("by detectors leaves nothing that they find, and every byte of what they do not", () => {
  fc.assert(
    fc.property(events, (text) => {
      const detect = detectorOf(DETECTORS);
      const rules = { paths: [], detectors: DETECTORS, payloadMode: "full" } as const;
      const { text: left } = redactorOf(rules, "secret").event(text);

      for (const secret of ["ann@example.com", KEY, "abcdefgh12345678"]) {
        for (const string of stringsOf(left)) expect(JSON.parse(string)).not.toContain(secret);
      }
      const [before, after] = [stringsOf(text), stringsOf(left)];
      expect(after).toHaveLength(before.length);
      for (const [place, string] of before.entries()) {
        const value = JSON.parse(string) as string;
        if (detect(value) === value) expect(after[place]).toBe(string);
      }
      const frame = (json: string): string => json.replace(/"(?:[^"\\]|\\.)*"/g, '""');
      expect(frame(left)).toBe(frame(text));
    }),
    { numRuns: 600 },
  );
});

/** Found by what nothing else in a text has. */
const CANARIES: readonly (readonly [string, string])[] = [
  ["ann.canary@example.com", "canary"],
  [`${KEY}canary1`, "canary1"],
  ["Bearer abcdefgh12345678/canary+0==", "canary"],
  ["whsec_AAAAAAAAAAAAAAAAAAAAAAAA/canary", "canary"],
  ["https://hooks.slack.com/services/T000/B000/canary00", "canary"],
  ["https://ann:canary@host/x", "canary"],
  ["-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "canary"],
];

/** A string of JSON in which characters are escapes that need not be: those at which `picks`, again and again, is true. */
const spelledBy = (value: string, picks: readonly boolean[]): string => {
  const characters = Array.from({ length: value.length }, (_, at) => {
    const isPicked = picks[at % picks.length] === true;
    const plain = JSON.stringify(value.charAt(at)).slice(1, -1);
    if (!isPicked) return plain;
    return plain === "/" ? "\\/" : `\\u${value.charCodeAt(at).toString(16).padStart(4, "0")}`;
  });
  return `"${characters.join("")}"`;
};

/** Ways to write a text into another one: as JSON, and what is around that. */
const wrappings = fc.record({
  picks: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
  around: fc.constantFrom<(string: string) => string>(
    (string) => string,
    (string) => `{"a":${string}}`,
    (string) => `{${string}:1}`,
    (string) => `[1.0, {"b" : ["x\\/y",${string}]},"\\\\"]`,
    (string) => `see {"a":${string}} there`,
    (string) => `{"cut":"off","a":${string}`,
  ),
});

it("leaves nothing of a secret in a text in a text, at whatever level and however it is spelled there", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CANARIES),
      fc.array(wrappings, { maxLength: 3 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      ([secret, canary], levels, picks) => {
        const text = levels.reduce<string>((inner, level) => level.around(spelledBy(inner, level.picks)), secret);
        const rules = { paths: [], detectors: DETECTORS, payloadMode: "full" } as const;
        const redactor = redactorOf(rules, "secret");
        const event = eventText("run.started", { inputs: json(`{"a":${spelledBy(text, picks)}}`) });

        const { text: left } = redactor.event(event);

        expect(left).toContain("***");
        expect(redactor.event(left).text).toBe(left);
        let seen = left;
        for (let level = 0; level < 8; level++) {
          expect(seen).not.toContain(canary);
          seen = seen.replace(/\\(?:u([0-9a-f]{4})|(.))/gs, (_, code, one) =>
            code === undefined ? one : String.fromCharCode(Number.parseInt(code, 16)),
          );
        }
      },
    ),
    { numRuns: 1500 },
  );
});

/** What a path replaces, done with values instead of text. */
const replaced = (value: unknown, path: readonly string[]): unknown => {
  const [step, ...rest] = path;
  if (step === undefined) return "***";
  if (typeof value !== "object" || value === null) return value;
  const inside = (name: string, member: unknown): unknown =>
    step === "*" || step === name ? replaced(member, rest) : member;
  if (Array.isArray(value)) return value.map((element, index) => inside(`[${index}]`, element));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inside(name, member)]));
};

const steps = fc.array(fc.constantFrom("a", "b", "user", "password", "*", "[0]", "[1]"), {
  minLength: 1,
  maxLength: 4,
});
const pathText = (path: readonly string[]): string =>
  `inputs${path.map((step) => (step.startsWith("[") ? step : `.${step}`)).join("")}`;

/** Names are distinct, so that parsing tells all there is to tell. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "medium" },
    fc.constantFrom(1, "x", null),
    fc.dictionary(fc.constantFrom("a", "b", "user", "password", "c"), tie("value"), { maxKeys: 4 }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
})).value;

it("by a path replaces what the path means", () => {
  fc.assert(
    fc.property(values, fc.array(steps, { minLength: 1, maxLength: 3 }), (inputs, paths) => {
      fc.pre(inputs !== null);
      const rules = { paths: paths.map(pathText), detectors: [], payloadMode: "full" } as const;
      const { text } = redactorOf(rules, "secret").event(
        eventText("run.started", { inputs: json(JSON.stringify(inputs)) }),
      );

      // A value that is replaced holds nothing that a longer path could mean: the order of paths does not matter.
      const expected = paths.toSorted((a, b) => a.length - b.length).reduce<unknown>(replaced, inputs);
      expect((JSON.parse(text) as { inputs: unknown }).inputs).toEqual(expected);
    }),
    { numRuns: 1500 },
  );
});
