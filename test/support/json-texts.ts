import fc from "fast-check";

const SPACES = fc.stringMatching(/^[ \n\r\t]{0,2}$/);

/** Every character as an escape, which none of them needs. */
const asEscapes = (value: string): string =>
  `"${Array.from({ length: value.length }, (_, at) => `\\u${value.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;

const spelled = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, fc.boolean()).map(([value, isEscaped]) => (isEscaped ? asEscapes(value) : JSON.stringify(value)));

/**
 * JSON texts with white space wherever it may stand and needless escapes. Strings and names are of `words`, of characters
 * that a scanner could trip over, and of any kind.
 */
export const jsonTexts = (words: readonly string[]): fc.Arbitrary<string> => {
  const tricky = fc.string({
    unit: fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "\n", "é", "\ud800", "😀"),
  });
  const string = spelled(fc.oneof(fc.constantFrom(...words), tricky, fc.string({ maxLength: 12 })));
  const { any } = fc.letrec<{ any: string; object: string; array: string }>((tie) => ({
    any: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      string,
      fc.constantFrom("0", "-0", "1.0", "1e400", "12345678901234567890", "true", "false", "null"),
      tie("object"),
      tie("array"),
    ),
    object: fc
      .array(fc.tuple(SPACES, string, SPACES, SPACES, tie("any"), SPACES), { maxLength: 5 })
      .map((list) => `{${list.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(",")}}`),
    array: fc
      .array(fc.tuple(SPACES, tie("any"), SPACES), { maxLength: 5 })
      .map((list) => `[${list.map((parts) => parts.join("")).join(",")}]`),
  }));
  return any;
};
