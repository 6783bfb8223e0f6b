import fc from "fast-check";
import { elementsOf, JsonText, membersOf, writeJson } from "../../shared/contract/json-text.ts";

const SPACES = fc.stringMatching(/^[ \n\r\t]{0,3}$/);

const asEscapes = (value: string): string =>
  `"${[...Array(value.length).keys()]
    .map((at) => `\\u${value.charCodeAt(at).toString(16).padStart(4, "0").toUpperCase()}`)
    .join("")}"`;

/** Characters that a scanner could trip over. */
const TRICKY = ['"', "{", "}", "[", "]", ",", ":", " ", "\n", "a", "é", "\ud800", "😀"];

/** Some as escapes that they do not need. */
const spelled = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.boolean()).map(([value, isEscaped]) => (isEscaped ? asEscapes(value) : JSON.stringify(value)));

const stringJson = spelled(
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...TRICKY, "\\") }),
    fc.constantFrom("", "\\", '\\"', "\\\\"),
    fc.string(),
  ),
);

/**
 * Names without a backslash: once it has seen one, JSON.parse of Node 24 takes other names that are written with an
 * escape for it (https://github.com/nodejs/node/issues/63785). Names with one are read one by one below.
 */
const nameJson = spelled(
  fc.oneof(fc.string({ unit: fc.constantFrom(...TRICKY) }), fc.constantFrom("__proto__", "constructor", "")),
);
const numberJson = fc.constantFrom("0", "-0", "1.0", "1e400", "-12.50E+3", "12345678901234567890", "7");
const wordJson = fc.constantFrom("true", "false", "null");

/** JSON with white space wherever it may stand, and names that repeat. */
const { anyJson, objectJson, arrayJson } = fc.letrec<{ anyJson: string; objectJson: string; arrayJson: string }>(
  (tie) => ({
    anyJson: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      stringJson,
      numberJson,
      wordJson,
      tie("objectJson"),
      tie("arrayJson"),
    ),
    objectJson: fc
      .tuple(SPACES, fc.array(fc.tuple(SPACES, nameJson, SPACES, SPACES, tie("anyJson"), SPACES), { maxLength: 5 }))
      .map(([space, list]) => {
        const inner = list.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(",");
        return `{${inner || space}}`;
      }),
    arrayJson: fc
      .tuple(SPACES, fc.array(fc.tuple(SPACES, tie("anyJson"), SPACES), { maxLength: 5 }))
      .map(([space, list]) => `[${list.map((parts) => parts.join("")).join(",") || space}]`),
  }),
);

const depthOf = (value: unknown): number => {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce<number>((deepest, one) => Math.max(deepest, depthOf(one)), 0);
};

/** Parsed, with members as a list, so that nothing is lost to a name that repeats or is `__proto__`. */
const parsedMembers = (json: string) =>
  membersOf(json).members.map(([name, value]) => [name, JSON.parse(value) as unknown] as const);

describe("the members of a JSON object", () => {
  it("are those that JSON.parse finds", () => {
    fc.assert(
      fc.property(SPACES, objectJson, SPACES, (before, object, after) => {
        const json = `${before}${object}${after}`;
        const parsed = JSON.parse(json) as Record<string, unknown>;

        const last = new Map(parsedMembers(json));
        expect([...last.keys()].sort()).toEqual(Object.keys(parsed).sort());
        for (const [name, value] of last)
          expect(value).toEqual(Object.getOwnPropertyDescriptor(parsed, name)?.value as unknown);
      }),
      { numRuns: 500 },
    );
  });

  it("are texts without the white space around them, exactly as they arrived", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(stringJson, anyJson), { maxLength: 5 }), SPACES, (list, space) => {
        const inner = list.map(([name, value]) => `${space}${name}${space}:${space}${value}${space}`).join(",");
        expect(membersOf(`{${inner}}`).members).toEqual(
          list.map(([name, value]) => [JSON.parse(name) as string, value]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("keep order and names that repeat", () => {
    expect(membersOf('{"b":1, "a":2, "\\u0062":3}').members).toEqual([
      ["b", "1"],
      ["a", "2"],
      ["b", "3"],
    ]);
  });

  it("of an empty object are none", () => {
    expect(membersOf(" { } ")).toEqual({ members: [], depth: 1 });
  });

  it.each([
    ["{}", 1],
    ['{"a":1}', 1],
    ['{"a":{}}', 2],
    ['{"a":[[1],{"b":[]}],"c":{}}', 4],
    ['{"a":"[[[[{{{{"}', 1],
  ])("nest as deep as they do: %s", (json, depth) => {
    expect(membersOf(json).depth).toBe(depth);
  });

  it("nest as deep as JSON.parse finds", () => {
    // JSON.parse drops a value whose name comes again: its depth counts all the same.
    fc.assert(
      fc.property(arrayJson, (list) => {
        const hasRepeats = /"/.test(list);
        if (!hasRepeats) expect(membersOf(`{"list":${list}}`).depth).toBe(1 + depthOf(JSON.parse(list)));
      }),
      { numRuns: 500 },
    );
  });
});

describe("the elements of a JSON array", () => {
  it("are those that JSON.parse finds", () => {
    fc.assert(
      fc.property(SPACES, arrayJson, SPACES, (before, array, after) => {
        const json = `${before}${array}${after}`;
        const elements = elementsOf(json);
        expect(elements.map((element) => JSON.parse(element) as unknown)).toEqual(JSON.parse(json));
        for (const element of elements) expect(element).toBe(element.trim());
      }),
      { numRuns: 500 },
    );
  });

  it("are texts exactly as they arrived", () => {
    expect(elementsOf('[ 1.0,"a\\u0020,]" ,{"b" : 2}, [ ] ,1e400]')).toEqual([
      "1.0",
      '"a\\u0020,]"',
      '{"b" : 2}',
      "[ ]",
      "1e400",
    ]);
  });
});

describe("writing JSON", () => {
  it("splices texts in as they are", () => {
    fc.assert(
      fc.property(anyJson, anyJson, (a, b) => {
        expect(
          writeJson({ a: new JsonText(a), list: [new JsonText(b), 1], map: new Map([["x", new JsonText(a)]]) }),
        ).toBe(`{"a":${a},"list":[${b},1],"map":{"x":${a}}}`);
      }),
    );
  });

  it("writes plain values as JSON.stringify does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(writeJson(value as Parameters<typeof writeJson>[0])).toBe(JSON.stringify(value));
      }),
    );
  });

  it("leaves out members that are undefined, and writes null for such an element", () => {
    expect(writeJson({ a: undefined, b: null, c: [undefined] })).toBe('{"b":null,"c":[null]}');
    expect(writeJson(new Map([["a", undefined]]))).toBe("{}");
  });

  it("writes any member name of a map", () => {
    const map = new Map([
      ["__proto__", 1],
      ['"', 2],
      ["\ud800", 3],
    ]);
    expect(writeJson(map)).toBe('{"__proto__":1,"\\"":2,"\\ud800":3}');
  });

  it("gives back the object that was cut into members", () => {
    fc.assert(
      fc.property(objectJson, (json) => {
        const members = membersOf(json).members;
        const spliced = writeJson(new Map(members.map(([name, value]) => [name, new JsonText(value)])));
        expect(JSON.parse(spliced)).toEqual(JSON.parse(json));
      }),
    );
  });
});
