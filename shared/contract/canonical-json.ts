import { afterSpace, afterString } from "./json-text.ts";

const canonicalString = (text: string): string => (text.includes("\\") ? JSON.stringify(JSON.parse(text)) : text);

const canonicalNumber = (text: string): string => {
  const number = Number(text);
  return Number.isFinite(number) ? JSON.stringify(number) : text.toLowerCase().replace("+", "");
};

const compareNames = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  a < b ? -1 : Number(a > b);

/**
 * JSON in the form of RFC 8785 (JSON Canonicalization Scheme), made total: lone surrogates are written as the escapes that JSON has
 * for them, and a number that no double holds (`1e400`) by its digits. Of members of one name the last counts.
 *
 * Works on the text, one pass, and decodes names one by one: `JSON.parse` of V8 13 and 14 can give a name with an
 * escape as another one it has seen before (https://github.com/nodejs/node/issues/63785), and an identity must not
 * depend on what a process has read. `text` must be valid JSON, nested no deeper than the stack allows. With a
 * `numberText` of its own it is the same form but for the numbers.
 */
export const canonicalJson = (text: string, numberText: (number: string) => string = canonicalNumber): string => {
  let at = 0;

  const string = (): string => {
    const from = at;
    at = afterString(text, at);
    return text.slice(from, at);
  };

  /** Calls `read` for each item up to the closing bracket. */
  const items = (close: string, read: () => void): void => {
    at = afterSpace(text, at + 1);
    while (text[at] !== close) {
      read();
      at = afterSpace(text, at);
      if (text[at] === ",") at = afterSpace(text, at + 1);
    }
    at++;
  };

  const object = (): string => {
    const members = new Map<string, string>();
    items("}", () => {
      const name = JSON.parse(string()) as string;
      at = afterSpace(text, at) + 1;
      members.set(name, value());
    });
    const written = [...members].sort(compareNames).map(([name, member]) => `${JSON.stringify(name)}:${member}`);
    return `{${written.join(",")}}`;
  };

  const array = (): string => {
    const elements: string[] = [];
    items("]", () => {
      elements.push(value());
    });
    return `[${elements.join(",")}]`;
  };

  const word = (): string => {
    const from = at;
    while (at < text.length && !",]} \n\r\t".includes(text.charAt(at))) at++;
    const written = text.slice(from, at);
    return /^[tfn]/.test(written) ? written : numberText(written);
  };

  const value = (): string => {
    at = afterSpace(text, at);
    const first = text[at];
    if (first === "{") return object();
    if (first === "[") return array();
    return first === '"' ? canonicalString(string()) : word();
  };

  return value();
};
