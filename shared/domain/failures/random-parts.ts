/**
 * Numbers, amounts, ids and digests all have one placeholder: which of them a value looks like is a matter of luck, as a
 * digest may happen to have no letter, or no digit.
 */
export const NUMBER = "<n>";

const HEX = /^[0-9a-f]+$/i;
/** From here on what is hex is a digest, though it has letters only: hardly a word is made of those (characters). */
const SHORTEST_DIGEST = 8;
/** From here on with a digit in it (characters). */
const SHORTEST_MIXED_HEX = 6;
/** Shorter hex with a digit in it, from 4 characters on, but for a short name or a unit beside a number: `db12`, `100d`. */
const SHORT_HEX = /^(?![a-f]{1,2}\d+$|\d+[a-f]$)[0-9a-f]{4,}$/i;
/** `1st`, and an amount with a unit or a thing behind it: no name begins with a digit and has four letters. */
const COUNTED = /^\d+(?:st|nd|rd|th|[a-z]{4,})$/i;
/** From here on letters and digits by turns are an id (characters). */
const SHORTEST_TURNING = 5;
const TURNING = /\d[a-z]+\d|[a-z]\d+[a-z]/i;
/** A longer word is an id wherever its digits stand; up to here it may be a name with a number behind it (characters). */
const LONGEST_NAME = 19;

/** From here on letters of both cases show that they were drawn by lot (characters). */
const SHORTEST_DRAWN = 8;
const CHANGES = /[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])/g;
const LONE_SMALL_LETTERS =
  /(?<![A-Za-z])[a-z](?![a-z])|(?!As|At|By|Db|Do|Id|If|In|Io|Ip|Is|My|No|Of|On|Or|To|Up|We)[A-Z][a-z](?![a-z])/g;

/**
 * Whether capital and small letters, and digits if there are any, follow each other without order. In a name that is
 * written in humps they change less often, and a small letter does not stand alone but in short words: `getUserById`.
 */
const isDrawn = (part: string): boolean => {
  if (part.length < SHORTEST_DRAWN || !/[a-z]/.test(part) || !/[A-Z]/.test(part)) return false;
  if (/\d/.test(part) && (TURNING.test(part) || part.length > LONGEST_NAME)) return true;
  return (part.match(CHANGES) ?? []).length > part.length / 3 && (part.match(LONE_SMALL_LETTERS) ?? []).length > 1;
};

const isId = (part: string): boolean => {
  if (HEX.test(part) && part.length >= SHORTEST_DIGEST) return true;
  if (!/\d/.test(part)) return false;
  if (HEX.test(part) && (part.length >= SHORTEST_MIXED_HEX || SHORT_HEX.test(part))) return true;
  return (
    /^\d+$/.test(part) ||
    COUNTED.test(part) ||
    part.length > LONGEST_NAME ||
    (part.length >= SHORTEST_TURNING && TURNING.test(part))
  );
};

const withoutDigits = (part: string): string => (isId(part) || isDrawn(part) ? NUMBER : part.replace(/\d+/g, NUMBER));

const PART = /[A-Za-z0-9]+/g;
/** What names the kind of an id that was drawn from letters of both cases: a word before it, or around it a longer one. */
const LEADING_WORD = /^(?:[a-z]{2,}|[A-Z][a-z]{2,}|[A-Z]{3,})$/;
const WORD = /^(?:[A-Z]?[a-z]{4,}|[A-Z]{4,})$/;

/** An id with its tails: what stands between `-` and `_` in it is as much by lot as the rest. */
const withoutTails = (name: string): string => {
  let isLeading = true;
  return name
    .replace(PART, (part) => {
      const isKept = !isDrawn(part) && (isLeading ? LEADING_WORD : WORD).test(part);
      isLeading &&= isKept;
      return isKept ? part : NUMBER;
    })
    .replace(/(?:^[-_+]+)?<n>(?:[-_+]+(?=<n>|$)(?:<n>)?)*/g, NUMBER);
};

const withoutNumbersOf = (name: string): string =>
  (name.match(PART) ?? []).some(isDrawn) ? withoutTails(name) : name.replace(PART, withoutDigits);

const SHORTEST_PADDED = 8;

/** Base 64 with its padding: slashes are letters in it. */
const isPadded = (token: string): boolean =>
  token.length >= SHORTEST_PADDED &&
  token.endsWith("=") &&
  (token.endsWith("==") || (token.match(PART) ?? []).some((part) => isDrawn(part) || isId(part)));

const TOKEN = /<(?:email|time|address|n)>|[A-Za-z0-9_+/-]+(?:={1,2}(?![A-Za-z0-9=]))?/g;

/**
 * Words without their numbers, part by part: `gpt-4o` to `gpt-<n>o`, `req_8f3a11c0d2` to `req_<n>`. An id of letters of
 * both cases goes with its tails: `V1StGXR8_Z5jdHi6B-myT` to `<n>`, `call_V1StGXR8-myT` to `call_<n>`.
 */
export const withoutNumbers = (text: string): string =>
  text.replace(TOKEN, (token) => {
    if (token.startsWith("<")) return token;
    return isPadded(token) ? NUMBER : token.split("/").map(withoutNumbersOf).join("/");
  });
