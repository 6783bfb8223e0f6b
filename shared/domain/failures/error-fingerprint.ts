import { createHash } from "node:crypto";
import { canonicalJson } from "../../contract/canonical-json.ts";
import type { FieldValue } from "../../contract/event.ts";
import { JsonText, membersOf } from "../../contract/json-text.ts";

/** What errors of one kind have in common: the text without what differs between them, and a short digest of it. */
export interface ErrorFingerprint {
  /** At most 200 characters; empty where there is no error. */
  readonly text: string;
  /** 12 characters of base64url. */
  readonly hash: string;
}

const LONGEST_TEXT = 200;
const HASH_BYTES = 9;

/** So much of each end of a long error is looked at (characters): a traceback says at its end what happened. */
const LOOKED_AT = 4000;

/** An object with more text than this is not taken apart (characters). */
const LONGEST_OBJECT = 256 * 1024;

const ends = (text: string): string =>
  text.length <= 2 * LOOKED_AT ? text : `${text.slice(0, LOOKED_AT)}\n${text.slice(-LOOKED_AT)}`;

/** What kind of error it is, and what it says: by the names that engines and providers give them. */
const KINDS = ["type", "error_type", "name", "code", "errorCode", "status"];
const MESSAGES = ["message", "msg", "detail", "error_message", "errorMessage", "error", "description", "reason"];

/** Errors wrap errors, but not deeper than this. */
const DEEPEST_WRAP = 4;

const EMPTY: ReadonlySet<string> = new Set(["null", '""', "{}", "[]"]);

const saidBy = (json: string, depth: number): string => {
  const first = json.trimStart()[0];
  if (first === '"') return JSON.parse(json) as string;
  if (first !== "{") return json;
  if (depth === 0 || json.length > LONGEST_OBJECT) return ends(json);
  const members = new Map(membersOf(json).members);
  const firstOf = (names: readonly string[]): string | undefined =>
    names.map((name) => members.get(name)).find((value) => value !== undefined && !EMPTY.has(value));
  const [kind, message] = [firstOf(KINDS), firstOf(MESSAGES)];
  if (kind === undefined && message === undefined) return canonicalJson(json);
  const said = [kind, message].flatMap((part) => (part === undefined ? [] : saidBy(part, depth - 1)));
  return said.map((part) => (/^\d{1,9}$/.test(part) ? `code ${part}` : part)).join(": ");
};

const PYTHON = "Traceback (most recent call last)";
const PYTHON_FRAME = /^[ \t]{1,20}File "[^"\n]{0,500}", line \d+/gm;
const STACK_FRAME = /\n[ \t]{1,8}at [^\n]/;

/** Of a traceback only what was raised last; of other stacks only what stands above the frames. */
const withoutFrames = (text: string): string => {
  if (!text.includes(PYTHON)) return text.slice(0, STACK_FRAME.exec(text)?.index);
  const lastFrame = [...text.matchAll(PYTHON_FRAME)].at(-1)?.index ?? text.lastIndexOf(PYTHON);
  const [, ...below] = text.slice(lastFrame).trimStart().split("\n");
  const raised = below.findIndex((line) => line.trim() !== "" && !/^\s/.test(line));
  return raised === -1 ? text : below.slice(raised).join("\n");
};

/**
 * What an error says, in words: a text as it is, an object by its type and message, of a traceback what was raised. Of
 * a very long error only its ends. Empty where there is none.
 */
export const errorWords = (error: FieldValue | undefined): string => {
  if (error === undefined || error === null || error === "") return "";
  if (typeof error === "string") return withoutFrames(ends(error));
  if (error instanceof JsonText)
    return error.text === "null" ? "" : withoutFrames(ends(saidBy(error.text, DEEPEST_WRAP)));
  return String(error);
};

const TIME_OF_DAY = String.raw`\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?`;
const ZONE = String.raw`(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?`;
const DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}";
const MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";

/**
 * Numbers, amounts, ids and digests all have one placeholder: which of them a value looks like is a matter of luck, as a
 * digest may happen to have no letter, or no digit.
 */
const NUMBER = "<n>";

/**
 * What differs from one error of a kind to the next, in order. Every pattern begins at a border and repeats a bounded
 * number of times, so that none of them looks at a character more often than a fixed number of times.
 */
const DIFFERING: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  [/(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/g, "<email>"],
  [new RegExp(String.raw`(?<!\w)\d{4}-\d{2}-\d{2}(?:[T ]${TIME_OF_DAY}${ZONE})?(?!\w)`, "gi"), "<time>"],
  [new RegExp(`(?<!\\w)(?:${DAYS},? )?\\d{1,2} ${MONTHS} \\d{4}(?: ${TIME_OF_DAY}${ZONE})?(?!\\w)`, "g"), "<time>"],
  [new RegExp(`(?<!\\w)(?:${DAYS},? )?${MONTHS} \\d{1,2},? (?:${TIME_OF_DAY} )?\\d{4}(?!\\w)`, "g"), "<time>"],
  [/(?<![\w.:])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.])/g, "<address>"],
  [
    /(?<![\w:.])\[?(?=[0-9a-f:]{0,39}::|(?:[0-9a-f]{1,4}:){7})(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])(?:\](?::\d{1,5})?)?/gi,
    "<address>",
  ],
  [new RegExp(String.raw`(?<![\w:])\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?${ZONE}(?![\w:])`, "g"), "<time>"],
  [/(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])/gi, NUMBER],
  [/(?<![0-9a-z])0x[0-9a-f]{1,64}(?![0-9a-z])/gi, NUMBER],
  [/(?<!\w)\d{1,30}(?:\.\d{1,30})?e[-+]\d{1,4}(?!\w)/gi, NUMBER],
];

/** A status code tells kinds of errors apart: its digits stand aside, as characters for private use. */
const STATUS_CODE =
  /(?<=(?<![a-z])(?:status|status[ _]code|code|http|http\/\d(?:\.\d)?)["']?[ :=]{1,3})[1-5]\d\d(?![\w.,]\d|\w)/gi;
const aside = (digits: string): string => digits.replace(/\d/g, (digit) => String.fromCharCode(0xe000 + Number(digit)));
const back = (text: string): string =>
  text.replace(/[\uE000-\uE009]/g, (digit) => String(digit.charCodeAt(0) - 0xe000));

/** What a word in letters and digits is made of. */
const PIECES = /[0-9]+|[A-Za-z]+/g;
const HEX = /^[0-9a-f]+$/i;
/** From here on what is hex is a digest, though it has letters only: hardly a word is made of those (characters). */
const SHORTEST_DIGEST = 8;
/** From here on with a digit in it (characters). */
const SHORTEST_MIXED_HEX = 6;
/** From here on letters and digits by turns are an id (characters). */
const SHORTEST_ID = 8;
/** A longer word is an id wherever its digits stand; up to here it may be a name with a number behind it (characters). */
const LONGEST_NAME = 19;

const withoutDigits = (part: string): string => {
  const isHex = HEX.test(part);
  if (isHex && part.length >= SHORTEST_DIGEST) return NUMBER;
  if (!/\d/.test(part)) return part;
  if (/^\d+$/.test(part) || (isHex && part.length >= SHORTEST_MIXED_HEX)) return NUMBER;
  const pieces = part.match(PIECES) ?? [];
  if (part.length > LONGEST_NAME || (part.length >= SHORTEST_ID && pieces.length > 2)) return NUMBER;
  return pieces.map((piece) => (/^\d/.test(piece) ? NUMBER : piece)).join("");
};

/** Words without their numbers, part by part: `gpt-4o` to `gpt-<n>o`, `req_8f3a11c0d2` to `req_<n>`. */
const withoutNumbers = (text: string): string =>
  text.replace(/<(?:email|time|address|n)>|[A-Za-z0-9]+/g, (part) =>
    part.startsWith("<") ? part : withoutDigits(part),
  );

/** An amount goes with its unit: how long and how much is told in ms or s, in bytes or GiB, by how much it is. */
const UNIT =
  "(?:[nuµμm]?s|m|h|d|secs?|mins?|hrs?|(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|(?:[kKMGT]i?)?B|bytes?)";

/** Numbers with signs, separators and units, and lists of numbers, are one. */
const JOINED: readonly RegExp[] = [
  /(?<!\w|<(?:n|email|time|address)>)[-+]<n>/g,
  /<n>(?:[.,]<n>){1,500}/g,
  /<n>e[-+]?<n>/gi,
  new RegExp(`<n>(?: ?${UNIT} ?<n>){0,5} ?${UNIT}(?![\\w<])`, "g"),
  /<n>(?:, ?[-+]?<n>){1,2000}/g,
  // Quoted names of things: what has a number in it, no space, and is no path.
  /(?<=(?<!\w)(['"`]))[^\s'"`<>/]{0,128}(?:<n>[^\s'"`<>/]{0,128}){1,40}(?=\1)/g,
];

const joined = (text: string): string => JOINED.reduce((found, pattern) => found.replace(pattern, NUMBER), text);

/** Never half of a character. */
const cut = (text: string): string => text.slice(0, LONGEST_TEXT).replace(/[\uD800-\uDBFF]$/, "");

/**
 * A fingerprint of an error: equal for errors that differ only in ids, numbers, amounts, times, addresses and white
 * space. Takes the same time for any text, however long.
 */
export const errorFingerprint = (error: FieldValue | undefined): ErrorFingerprint => {
  let text = errorWords(error).slice(0, LOOKED_AT).replace(/\s+/g, " ").trim().replace(STATUS_CODE, aside);
  for (const [pattern, placeholder] of DIFFERING) text = text.replace(pattern, placeholder);
  text = cut(back(joined(withoutNumbers(text))));
  return { text, hash: createHash("sha256").update(text).digest().subarray(0, HASH_BYTES).toString("base64url") };
};
