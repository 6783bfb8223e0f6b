/**
 * JSON kept as the text that arrived. Payload values are cut out of a request and spliced into answers without
 * being parsed and written anew, so big integers, `1.0`, `1e400`, member order and escapes survive.
 */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A member of a JSON object: its decoded name, and its value as text. */
export type JsonMember = readonly [name: string, text: string];

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COMMA = 44;
const COLON = 58;

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

/** The position after white space. */
export const afterSpace = (text: string, from: number): number => {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
};

/** The position after a string that begins at `from`. */
export const afterString = (text: string, from: number): number => {
  let at = text.indexOf('"', from + 1);
  for (;;) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at + 1;
    at = text.indexOf('"', at + 1);
  }
};

/** The position after a value that begins at `from`, and how deep it nests: 0 for one that is no object or list. */
export const afterValue = (text: string, from: number): { end: number; depth: number } => {
  let open = 0;
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = afterString(text, at);
      if (open === 0) return { end: at, depth };
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      open++;
      if (open > depth) depth = open;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (open === 0) return { end: at, depth };
      open--;
      if (open === 0) return { end: at + 1, depth };
    } else if (open === 0 && (code === COMMA || isSpace(code))) {
      return { end: at, depth };
    }
    at++;
  }
  return { end: at, depth };
};

/**
 * The members of a JSON object in order, repeated names included, and how deep it nests (the object itself is 1).
 * `text` must be valid JSON of an object: call `JSON.parse` first.
 */
export const membersOf = (text: string): { members: JsonMember[]; depth: number } => {
  const members: JsonMember[] = [];
  let deepest = 0;
  let at = afterSpace(text, text.indexOf("{") + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = afterString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    at = afterSpace(text, nameEnd);
    if (text.charCodeAt(at) === COLON) at = afterSpace(text, at + 1);
    const { end, depth } = afterValue(text, at);
    if (depth > deepest) deepest = depth;
    members.push([name, text.slice(at, end)]);
    at = afterSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = afterSpace(text, at + 1);
  }
  return { members, depth: deepest + 1 };
};

/** The elements of a JSON array, each as text. `text` must be valid JSON of an array. */
export const elementsOf = (text: string): string[] => {
  const elements: string[] = [];
  let at = afterSpace(text, text.indexOf("[") + 1);
  while (at < text.length && text.charCodeAt(at) !== CLOSE_BRACKET) {
    const { end } = afterValue(text, at);
    elements.push(text.slice(at, end));
    at = afterSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = afterSpace(text, at + 1);
  }
  return elements;
};

/** What {@link writeJson} can write: JSON values, with JSON text and maps (for member names of any kind) at any depth. */
export type JsonOutput =
  | string
  | number
  | boolean
  | null
  | undefined
  | JsonText
  | readonly JsonOutput[]
  | ReadonlyMap<string, JsonOutput>
  | { readonly [name: string]: JsonOutput };

const writeMembers = (members: Iterable<readonly [string, JsonOutput]>): string => {
  let text = "";
  for (const [name, value] of members) {
    if (value === undefined) continue;
    text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${writeJson(value)}`;
  }
  return `{${text}}`;
};

/** Writes JSON with texts spliced in as they are. Members whose value is undefined are left out. */
export const writeJson = (value: JsonOutput): string => {
  if (value === undefined || value === null) return "null";
  if (typeof value !== "object") return JSON.stringify(value);
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (value instanceof Map) return writeMembers(value as ReadonlyMap<string, JsonOutput>);
  return writeMembers(Object.entries(value as { [name: string]: JsonOutput }));
};
