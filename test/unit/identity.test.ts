import { createHash } from "node:crypto";
import fc from "fast-check";
import { canonicalJson } from "../../shared/contract/canonical-json.ts";
import { JsonText } from "../../shared/contract/json-text.ts";
import { digestOf } from "../../shared/domain/fold/identity.ts";
import { at, readText, textOf } from "../support/builders.ts";

/** The double of a bit pattern, as RFC 8785 gives its examples. */
const doubleOf = (hex: string): number => Buffer.from(hex, "hex").readDoubleBE();

const digest = (saying: Parameters<typeof textOf>[1]): string => readText(textOf("run.started", saying)).digest;
const digestOfText = (text: string): string => readText(text).digest;

describe("canonical JSON (RFC 8785)", () => {
  it("is that of the example in section 3.2", () => {
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(input)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it("sorts names by UTF-16 code units, as in section 3.2.3", () => {
    const input = String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`;
    expect(Object.values(JSON.parse(canonicalJson(input)) as Record<string, string>).slice(1)).toEqual([
      "Carriage Return",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
    expect(canonicalJson(input)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  it.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("writes the double %s of appendix B as %s", (hex, text) => {
    // 17 digits tell every double from every other.
    const digits = doubleOf(hex).toPrecision(17);
    expect(canonicalJson(hex === "8000000000000000" ? "-0.0" : digits)).toBe(text);
    expect(canonicalJson(`[ ${digits.toUpperCase()} ]`)).toBe(`[${text}]`);
  });

  it("is the same for every order of members, at any depth", () => {
    const shuffledText = (value: unknown, isReversed: boolean): string => {
      if (typeof value !== "object" || value === null) return JSON.stringify(value);
      if (Array.isArray(value)) return `[${value.map((one) => shuffledText(one, isReversed)).join(", ")}]`;
      const list = Object.entries(value).map(
        ([name, one]) => `${JSON.stringify(name)} : ${shuffledText(one, isReversed)}`,
      );
      return `{${(isReversed ? list.reverse() : list).join(" ,")}}`;
    };
    // No backslash: see json-text.test.ts.
    const stringUnit = fc.constantFrom("a", "b", "1", '"', "\n", "é", "€", "\ufb33", "😀");
    const plain = (value: unknown): string => {
      if (typeof value !== "object" || value === null) return JSON.stringify(value);
      if (Array.isArray(value)) return `[${value.map(plain).join(",")}]`;
      const list = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
      return `{${list.map(([name, one]) => `${JSON.stringify(name)}:${plain(one)}`).join(",")}}`;
    };
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit }), (value) => {
        const canonical = canonicalJson(shuffledText(value, true));
        expect(canonical).toBe(plain(value));
        expect(canonicalJson(shuffledText(value, false))).toBe(canonical);
        expect(canonicalJson(JSON.stringify(value, null, "\t"))).toBe(canonical);
        expect(canonicalJson(canonical)).toBe(canonical);
      }),
    );
  });

  it("takes the last of members of one name, as JSON.parse does", () => {
    expect(canonicalJson('{"a":1,"b":{"c":1,"c":[2]},"\\u0061":3}')).toBe('{"a":3,"b":{"c":[2]}}');
  });

  it("writes a lone surrogate as an escape, in one spelling", () => {
    expect(canonicalJson('"\\ud800"')).toBe('"\\ud800"');
    expect(canonicalJson('"\\uD800x"')).toBe('"\\ud800x"');
  });

  it("keeps the digits of a number that no double holds, in one spelling", () => {
    expect(canonicalJson("[1E+400, -1e400]")).toBe("[1e400,-1e400]");
  });
});

describe("an event's digest", () => {
  it("is the SHA-256, cut to 16 bytes, of its canonical JSON with `at` in UTC and `epoch`", () => {
    const { digest: found } = readText(
      textOf("run.heartbeat", { at: "2026-11-22T11:00:00+01:00", id: "e1", b: 1, a: "ü" }),
    );

    const canonical =
      '{"a":"ü","at":"2026-11-22T10:00:00.000Z","b":1,"epoch":1,"run_id":"run-1","type":"run.heartbeat"}';
    expect(found).toBe(createHash("sha256").update(canonical).digest("hex").slice(0, 32));
    expect(digestOf(canonical)).toBe(found);
  });

  it("does not hold the producer's id", () => {
    expect(digest({ id: "a" })).toBe(digest({ id: "b" }));
    expect(digest({ id: null })).toBe(digest({}));
  });

  it("does not hold the tenant, so both ways in give one event", () => {
    const text = textOf("run.started");
    expect(readText(text, true).digest).toBe(readText(text).digest);
  });

  it.each([
    "2026-11-22T10:00:00Z",
    "2026-11-22t10:00:00.0z",
    "2026-11-22T12:30:00.000000000+02:30",
    "2026-11-21T23:00:00-11:00",
  ])("is the same for the same moment written %s", (moment) => {
    expect(digest({ at: moment })).toBe(digest({ at: at(0) }));
  });

  it("tells moments apart to the last digit", () => {
    expect(digest({ at: "2026-11-22T10:00:00.000000001Z" })).not.toBe(digest({ at: at(0) }));
  });

  it("has the epoch filled in", () => {
    expect(digest({ epoch: 1 })).toBe(digest({}));
    expect(digest({ epoch: null })).toBe(digest({}));
    expect(digest({ epoch: 2 })).not.toBe(digest({}));
  });

  it.each([
    ["the order of its members", '{"at":"2026-11-22T10:00:00Z","run_id":"run-1","type":"run.heartbeat"}'],
    ["white space", '{ "type" : "run.heartbeat",\n"run_id":"run-1","at":"2026-11-22T10:00:00Z" }'],
    ["escapes", '{"type":"run.h\\u0065artbeat","\\u0072un_id":"run-1","at":"2026-11-22T10:00:00Z"}'],
  ])("does not depend on %s", (_name, text) => {
    expect(digestOfText(text)).toBe(
      digestOfText('{"type":"run.heartbeat","run_id":"run-1","at":"2026-11-22T10:00:00Z"}'),
    );
  });

  const inputs = (json: string) => digest({ inputs: new JsonText(json) });

  it.each([
    ["1.0", "1"],
    ["1e2", "100"],
    ["-0", "0"],
    ["12345678901234567890", "12345678901234567891"],
    ['"\\u00e9"', '"é"'],
    ["1E+400", "1e400"],
  ])("is the same for %s and %s", (a, b) => {
    expect(inputs(a)).toBe(inputs(b));
  });

  it.each([
    ["1e400", "1e401"],
    ["1e400", "-1e400"],
    ["1e400", "null"],
    ["1e400", '"1e400"'],
    ['{"a":[1e400]}', '{"a":[1e401]}'],
    ['"\\ud800"', '"\\ud801"'],
    ['"\\ud800"', '"\\udfff"'],
    ['"\\ud800"', '"\\ufffd"'],
    ['"\\ud800"', '"\\\\ud800"'],
    ['{"\\ud800":1}', '{"\\ud801":1}'],
    ['"é"', '"e\u0301"'],
    ["null", '"null"'],
    // Node 24 reads the second name as the first one: https://github.com/nodejs/node/issues/63785
    ['{"after this name":0,"\\\\":1}', '{"after this name":0,"\\n":1}'],
    ["{}", "[]"],
    ["[1,2]", "[2,1]"],
  ])("differs for %s and %s", (a, b) => {
    expect(inputs(a)).not.toBe(inputs(b));
  });

  it("holds fields of any name", () => {
    const named = (json: string) => digestOfText(`{"type":"run.heartbeat","run_id":"run-1","at":"${at(0)}",${json}}`);
    expect(named('"__proto__":1')).not.toBe(named('"__proto__":2'));
    expect(named('"__proto__":1e400')).not.toBe(named('"__proto__":1e401'));
    expect(named('"constructor":1')).not.toBe(named('"x":1'));
  });

  it("tells a field that is null from one that is not there", () => {
    expect(inputs("null")).not.toBe(digest({}));
  });

  it("is 32 hex digits", () => {
    expect(digest({})).toMatch(/^[0-9a-f]{32}$/);
  });
});
