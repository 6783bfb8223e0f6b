import { EVENT_FIELDS } from "./event-fields.ts";

/** One step of a path into an event. `descendant` is a member of this name at any depth; `any`, every member or element. */
export type PathSegment =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "descendant"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "any" };

/** A path that was read, or why it is none. */
export type PathReading =
  | { readonly ok: true; readonly segments: readonly PathSegment[] }
  | { readonly ok: false; readonly message: string };

const LONGEST_PATH = 256;
const MOST_SEGMENTS = 16;

/** Fields that can be replaced whole, beside payload: texts for people. */
export const REDACTABLE_TEXTS: ReadonlySet<string> = new Set(["title", "label", "reason", "error", "created_by"]);
/** Fields of a form that must stay: only what is in them can be replaced. */
export const REDACTABLE_INSIDE: ReadonlySet<string> = new Set(["execution_metadata", "metadata", "tags"]);

const ENVELOPE = ["type", "run_id", "at", "id", "app_id", "epoch", "tenant_id"];
/** What state, lists and counts are made of. */
const STRUCTURE: ReadonlySet<string> = new Set(
  [...ENVELOPE, ...Object.values(EVENT_FIELDS).flatMap((fields) => Object.keys(fields))].filter(
    (name) => !REDACTABLE_TEXTS.has(name) && !REDACTABLE_INSIDE.has(name),
  ),
);

const BARE_NAME = /[^\s.[\]'"*\p{Cc}]+/uy;
const INDEX = /\d{1,9}/y;
const QUOTED_NAME = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/suy;

const reader = (text: string) => {
  let at = 0;
  return {
    get position() {
      return at + 1;
    },
    get isAtEnd() {
      return at >= text.length;
    },
    take(expected: string): boolean {
      if (!text.startsWith(expected, at)) return false;
      at += expected.length;
      return true;
    },
    match(pattern: RegExp): string | undefined {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      at += found?.length ?? 0;
      return found;
    },
  };
};
type Reader = ReturnType<typeof reader>;

const expected = (what: string, { position }: Reader): string => `expected ${what} at character ${position}`;

const unquoted = (quoted: string): string => quoted.slice(1, -1).replace(/\\(.)/gsu, "$1");

/** What stands in brackets, or what was expected there. */
const readBracket = (from: Reader): PathSegment | string => {
  const quoted = from.match(QUOTED_NAME);
  const index = quoted === undefined ? from.match(INDEX) : undefined;
  const isAny = quoted === undefined && index === undefined && from.take("*");
  if (quoted === undefined && index === undefined && !isAny) return expected("a name in quotes, a number or *", from);
  if (!from.take("]")) return expected("]", from);
  if (quoted !== undefined) return { kind: "name", name: unquoted(quoted) };
  return index === undefined ? { kind: "any" } : { kind: "index", index: Number(index) };
};

const readName = (from: Reader): string | undefined => from.match(BARE_NAME);

const readDescendant = (from: Reader): PathSegment | string => {
  const bare = readName(from);
  if (bare !== undefined) return { kind: "descendant", name: bare };
  if (!from.take("[")) return expected("a name after ..", from);
  const segment = readBracket(from);
  if (typeof segment === "string") return segment;
  return segment.kind === "name" ? { ...segment, kind: "descendant" } : "expected a name after .., came a number or *";
};

const readSegment = (from: Reader, isFirst: boolean): PathSegment | string => {
  if (from.take("..")) return readDescendant(from);
  if (from.take("[")) return readBracket(from);
  if (!from.take(".") && !isFirst) return expected(". or [", from);
  const name = readName(from);
  if (name !== undefined) return { kind: "name", name };
  return from.take("*") ? { kind: "any" } : expected("a name", from);
};

/** Why a path cannot begin with these segments; undefined where it can. */
const wrongRoot = ([first, second]: readonly PathSegment[]): string | undefined => {
  if (first?.kind === "descendant") return undefined;
  if (first?.kind !== "name") return "expected the name of an event's field first, or ..name";
  if (STRUCTURE.has(first.name)) return `expected payload or a text, came ${first.name}: state is made of it`;
  if (REDACTABLE_INSIDE.has(first.name) && second === undefined) {
    return `expected a path into ${first.name}: it cannot be replaced whole`;
  }
  return undefined;
};

/**
 * Reads a path into an event, a part of JSONPath: `$.inputs.user.email`, `inputs.items[0]`, `inputs.items[*].name`,
 * `inputs.*`, `inputs['name with.dots']`, `..password` (at any depth). `$` may be left out.
 */
export const readRedactionPath = (text: string): PathReading => {
  if (text.length > LONGEST_PATH) return { ok: false, message: `expected at most ${LONGEST_PATH} characters` };
  const from = reader(text);
  const hasRoot = from.take("$");
  const segments: PathSegment[] = [];
  do {
    const segment = readSegment(from, segments.length === 0 && !hasRoot);
    if (typeof segment === "string") return { ok: false, message: segment };
    segments.push(segment);
  } while (!from.isAtEnd);
  if (segments.length > MOST_SEGMENTS) return { ok: false, message: `expected at most ${MOST_SEGMENTS} parts` };
  const message = wrongRoot(segments);
  return message === undefined ? { ok: true, segments } : { ok: false, message };
};
