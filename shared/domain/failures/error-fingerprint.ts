import { createHash } from "node:crypto";
import { canonicalJson } from "../../contract/canonical-json.ts";
import type { FieldValue } from "../../contract/event.ts";
import { JsonText, membersOf } from "../../contract/json-text.ts";
import { NUMBER, withoutNumbers } from "./random-parts.ts";

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
const ZONE = String.raw`(?: ?(?:[AP]M|Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?`;
const DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}";
const MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";

/**
 * What differs from one error of a kind to the next, in order. Every pattern begins at a border and repeats a bounded
 * number of times, so that none of them looks at a character more often than a fixed number of times.
 */
const DIFFERING: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  [/(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/g, "<email>"],
  [new RegExp(String.raw`(?<!\w)\d{4}-\d{2}-\d{2}(?:[T ]${TIME_OF_DAY}${ZONE})?(?!\w)`, "gi"), "<time>"],
  [new RegExp(`(?<!\\w)(?:${DAYS},? )?\\d{1,2} ${MONTHS} \\d{4}(?: ${TIME_OF_DAY}${ZONE})?(?!\\w)`, "g"), "<time>"],
  [new RegExp(`(?<!\\w)(?:${DAYS},? )?${MONTHS} \\d{1,2},? (?:${TIME_OF_DAY} )?\\d{4}(?!\\w)`, "g"), "<time>"],
  // Bytes: of a certificate, of a network card.
  [/(?<![\w:-])[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){2,64}(?![\w:-])/gi, NUMBER],
  [/(?<![\w.:])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.])/g, "<address>"],
  [
    /(?<![\w:.])\[?(?=[0-9a-f:]{0,39}::|(?:[0-9a-f]{1,4}:){7})(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])(?:\](?::\d{1,5})?)?/gi,
    "<address>",
  ],
  [new RegExp(String.raw`(?<![\w:])\d{1,2}:\d{2}(?: ?[AP]M|:\d{2}(?:[.,]\d{1,9})?${ZONE})(?![\w:])`, "g"), "<time>"],
  [/(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])/gi, NUMBER],
  [/(?<![0-9a-z])0x[0-9a-f]{1,64}(?![0-9a-z])/gi, NUMBER],
  // JSON web tokens.
  [/(?<![\w-])eyJ[\w-]{5,4000}(?:\.[\w-]{1,4000}){1,4}/g, NUMBER],
  // What Kubernetes puts behind a name, and Python behind a temporary directory.
  [/(?<=\w-)[b-df-hj-np-tv-xz24-9]{6,10}-[b-df-hj-np-tv-xz24-9]{5}(?![\w-])/g, NUMBER],
  [/(?<=[\\/])tmp\.?[A-Za-z0-9_]{6,10}(?![\w-])/g, NUMBER],
  [/(?<!\w)\d{1,30}(?:\.\d{1,30})?e[-+]\d{1,4}(?!\w)/gi, NUMBER],
];

/** Codes tell kinds of errors apart: their digits stand aside, as characters for private use. */
const CODES: readonly RegExp[] = [
  /(?<=(?<![a-z])(?:http(?:\/\d(?:\.\d)?)?(?:[ _]?status)?|status[ _]?code)["']?[ :=]{1,3})[1-5]\d\d(?![\w.,]\d|\w)/gi,
  // What a process exits with, and many another number, has this name too.
  /(?<=(?<![a-z])(?:status|(?:error[ _]?)?code)["']?[ :=]{1,3})[45]\d\d(?![\w.,]\d|\w)/gi,
  /(?<=[Cc]ode["']?[ :=]{1,3})[A-Z]{1,6}\d{3,5}(?![\w-])/g,
  /(?<=^|(?:[Ee]rror|ERROR)[ :=([]{1,3})[A-Z]{1,6}\d{3,5}(?=[\]):,]|$)/g,
];
const aside = (digits: string): string => digits.replace(/\d/g, (digit) => String.fromCharCode(0xe000 + Number(digit)));
const back = (text: string): string =>
  text.replace(/[\uE000-\uE009]/g, (digit) => String(digit.charCodeAt(0) - 0xe000));

/** An amount goes with its unit: how long and how much is told in ms or s, in bytes or GiB, by how much it is. */
const UNIT =
  "(?:[nuµμm]?s|m|h|d|secs?|mins?|hrs?|(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|(?:[kKMGT]i?)?B|bytes?|%)";

/** Numbers with signs, separators and units, and lists of numbers, are one. */
const JOINED: readonly RegExp[] = [
  /(?<!\w|<(?:n|email|time|address)>)[-+]<n>/g,
  /<n>(?:[.,]<n>){1,500}/g,
  /<n>e[-+]?<n>/gi,
  /<n>(?:[x×]<n>){1,500}/g,
  new RegExp(`<n>(?: ?${UNIT} ?<n>){0,5} ?${UNIT}(?![\\w<])`, "g"),
  /<n>(?:, ?[-+]?<n>){1,2000}/g,
  // Quoted names of things: what has a number in it, no space, and is no path. Those of modules are few.
  /(?<=(?<!\w|module |module named )(['"`]))[^\s'"`<>/]{0,128}(?:<n>[^\s'"`<>/]{0,128}){1,40}(?=\1)/g,
];

const joined = (text: string): string => JOINED.reduce((found, pattern) => found.replace(pattern, NUMBER), text);

/** Digits of other scripts, fractions and the like. */
const OTHER_DIGIT = /(?![0-9])\p{N}/gu;

/** Never half of a character. */
const cut = (text: string): string => text.slice(0, LONGEST_TEXT).replace(/[\uD800-\uDBFF]$/, "");

/**
 * A fingerprint of an error: equal for errors that differ only in ids, numbers, amounts, times, addresses and white
 * space. Takes the same time for any text, however long.
 */
export const errorFingerprint = (error: FieldValue | undefined): ErrorFingerprint => {
  let text = errorWords(error).slice(0, LOOKED_AT).replace(OTHER_DIGIT, "0").replace(/\s+/g, " ").trim();
  for (const code of CODES) text = text.replace(code, aside);
  for (const [pattern, placeholder] of DIFFERING) text = text.replace(pattern, placeholder);
  text = cut(back(joined(withoutNumbers(text))));
  return { text, hash: createHash("sha256").update(text).digest().subarray(0, HASH_BYTES).toString("base64url") };
};
