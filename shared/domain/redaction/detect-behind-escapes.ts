import { afterString } from "../../contract/json-text.ts";
import { REDACTED } from "../../contract/redaction.ts";
import { type Edit, withEdits } from "./json-edits.ts";

type Detect = (text: string) => string;

/** Texts in texts in texts: JSON that is written into a string as often as this has 256 backslashes before each quote. */
const MOST_LEVELS = 8;

const MEANINGS: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const CODE = /[0-9A-Fa-f]{4}/y;

/** A text with its escapes of JSON resolved, once; what is none stays. */
const resolved = (text: string): string => {
  let left = "";
  let done = 0;
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", done)) {
    const letter = text.charAt(at + 1);
    CODE.lastIndex = at + 2;
    const code = letter === "u" ? CODE.exec(text)?.[0] : undefined;
    const meaning = code === undefined ? MEANINGS[letter] : String.fromCharCode(Number.parseInt(code, 16));
    left += text.slice(done, at) + (meaning ?? "\\");
    done = at + (meaning === undefined ? 1 : code === undefined ? 2 : 6);
  }
  return done === 0 ? text : left + text.slice(done);
};

/** Whether what is `left` of a text is what would be left of it were its escapes resolved first, however often. */
const isAllFound = (text: string, left: string, detect: Detect): boolean => {
  let [sent, kept] = [text, left];
  for (let level = 0; level < MOST_LEVELS; level++) {
    const next = resolved(sent);
    if (next === sent) return true;
    [sent, kept] = [next, kept === sent ? next : resolved(kept)];
    if (detect(sent) !== kept) return false;
  }
  return resolved(sent) === sent;
};

/** What JSON with a string in it begins with. */
const BEGINNING = /^[ \n\r\t]*["[{]/;

const isJson = (text: string): boolean => {
  if (!BEGINNING.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** JSON with what becomes of its strings that hold escapes, member names too. All else is byte for byte as it was. */
const withStrings = (json: string, change: Detect): string => {
  const edits: Edit[] = [];
  let to = 0;
  for (let from = json.indexOf('"'); from >= 0; from = json.indexOf('"', to)) {
    to = afterString(json, from);
    const token = json.slice(from, to);
    if (!token.includes("\\")) continue;
    const sent = JSON.parse(token) as string;
    const left = change(sent);
    if (left !== sent) edits.push({ from, to, text: JSON.stringify(left) });
  }
  return withEdits(json, edits);
};

/** Looks into the strings of a text that is JSON, and into theirs; of any other that hides something nothing is left. */
const within = (text: string, detect: Detect, levels: number): string => {
  if (levels > 0 && isJson(text)) return detect(withStrings(text, (inner) => within(inner, detect, levels - 1)));
  const left = detect(text);
  return isAllFound(text, left, detect) ? left : REDACTED;
};

/**
 * What a detector leaves of a text that may be JSON, or hold some: what it finds behind escapes (`Bearer abc\/def`,
 * `\u0073k-...`) goes too, at any level. Where it finds nothing more there, escapes stay as they are. Of JSON the strings
 * with finds are written anew; any other text that hides something, or has too many levels to tell, becomes `***`. Takes
 * time in proportion to the text.
 */
export const detectBehindEscapes = (text: string, detect: Detect): string => {
  const left = detect(text);
  if (isAllFound(text, left, detect)) return left;
  const inside = within(text, detect, MOST_LEVELS);
  return isAllFound(inside, inside, detect) ? inside : REDACTED;
};
