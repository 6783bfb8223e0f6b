import { REDACTED } from "../../contract/redaction.ts";

/** The longest part before the at sign that mail systems take. */
const LONGEST_LOCAL_PART = 64;

const LOCAL_CHARACTER = /[\p{L}\p{N}._%+'\u2019-]/u;
const LEADING_PUNCTUATION = /^[.%+'\u2019-]+/;
const LOW_SURROGATE = /[\udc00-\udfff]/;
/** Labels, and a last one of letters. */
const DOMAIN = /(?:[\p{L}\p{N}][\p{L}\p{N}-]{0,62}\.){1,10}(?:xn--[a-z0-9-]{2,59}|\p{L}{2,63})/iuy;
/** `1.0.rc1` behind a package's name is no domain; `163.com` is one. */
const VERSION = /^[\d.]+\p{L}+\d/u;
/** An at sign: as it is, as URLs write it, or as an escape of JSON that is in a string. */
const AT_SIGN = /@|%40|\\u0040/g;
/** What an escape of JSON in a string is made of, behind its backslash. */
const ESCAPED = /^(?:[bfnrt]|u[0-9a-f]{4})/i;

/** Where the part before an at sign begins, `least` being the first place that it may. */
const localPartFrom = (text: string, at: number, least: number): number => {
  let from = at;
  const first = Math.max(least, at - LONGEST_LOCAL_PART);
  while (from > first) {
    // A character outside of the basic plane takes two units.
    const begin = from - 1 > first && LOW_SURROGATE.test(text.charAt(from - 1)) ? from - 2 : from - 1;
    if (!LOCAL_CHARACTER.test(text.slice(begin, from))) break;
    from = begin;
  }
  if (text.charAt(from - 1) === "\\") from += ESCAPED.exec(text.slice(from, at))?.[0].length ?? 0;
  return from + (LEADING_PUNCTUATION.exec(text.slice(from, at))?.[0].length ?? 0);
};

/** Where the domain that begins here ends; undefined where none does. */
const domainEnd = (text: string, from: number): number | undefined => {
  DOMAIN.lastIndex = from;
  if (!DOMAIN.test(text)) return undefined;
  const end = DOMAIN.lastIndex;
  return VERSION.test(text.slice(from, end + 1)) ? undefined : end;
};

/** Replaces e-mail addresses. Takes time in proportion to the text, whatever is in it. */
export const withoutEmails = (text: string): string => {
  if (!text.includes("@") && !text.includes("40")) return text;
  let kept = "";
  let done = 0;
  for (const { 0: sign, index: at } of text.matchAll(AT_SIGN)) {
    const end = at < done ? undefined : domainEnd(text, at + sign.length);
    if (end === undefined) continue;
    const from = localPartFrom(text, at, done);
    if (from === at) continue;
    kept += text.slice(done, from) + REDACTED;
    done = end;
  }
  return done === 0 ? text : kept + text.slice(done);
};
