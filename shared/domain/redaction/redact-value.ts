import { afterSpace, afterString, afterValue } from "../../contract/json-text.ts";
import { REDACTED } from "../../contract/redaction.ts";
import type { Detector } from "./detectors.ts";
import type { Edit } from "./json-edits.ts";
import type { PathMatcher, PathState } from "./path-matcher.ts";

/** What values are held against. */
export interface ValueRules {
  readonly paths: PathMatcher;
  /** Undefined where nothing is looked for. */
  readonly detect: Detector | undefined;
}

/** A redacted value, as JSON. */
export const REDACTED_JSON = JSON.stringify(REDACTED);

const QUOTE = 34;
const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** The string whose token stands here, decoded where it holds an escape. */
export const stringAt = (text: string, from: number, to: number): string => {
  const inner = text.slice(from + 1, to - 1);
  return inner.includes("\\") ? (JSON.parse(text.slice(from, to)) as string) : inner;
};

/** Gives names in place of redacted ones, each but once: `***`, `***2`, `***3`, leaving out those that are taken. */
export const nameGiver = (taken: ReadonlySet<string>): ((name: string) => string) => {
  const counts = new Map<string, number>();
  return (name) => {
    for (;;) {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      const given = count === 1 ? name : `${name}${count}`;
      if (!taken.has(given)) return given;
    }
  };
};

const NOTHING_TAKEN: ReadonlySet<string> = new Set();

/** Names whose redacted form is remembered: most come again and again. */
const MOST_NAMES = 10_000;

/** An object or list that is being walked. */
interface Level {
  readonly state: PathState;
  /** Of a list: the place of its next element. Undefined: an object. */
  index: number | undefined;
  giveName: ((name: string) => string) | undefined;
}

/**
 * The edits that a JSON value needs, which begins at `from` and is reached by `state`, and where it ends. As deep as it
 * may be, it takes no more of the stack. `text` must be valid JSON.
 */
export const redactValue = (
  text: string,
  { from, state }: { readonly from: number; readonly state: PathState },
  { paths, detect }: ValueRules,
): { readonly edits: Edit[]; readonly to: number } => {
  const edits: Edit[] = [];
  const levels: Level[] = [];
  const namesSeen = new Map<string, string>();
  let at = from;

  const replace = (to: number, replacement: string): void => {
    edits.push({ from: at, to, text: replacement });
    at = to;
  };

  const string = (): void => {
    const to = afterString(text, at);
    const sent = stringAt(text, at, to);
    const left = detect === undefined ? sent : detect(sent);
    if (left === sent) at = to;
    else replace(to, JSON.stringify(left));
  };

  /** Passes a value, or opens one that has others in it to be looked at. */
  const value = (reached: PathState): void => {
    const first = text.charCodeAt(at);
    const isContainer = first === OPEN_BRACE || first === OPEN_BRACKET;
    if (reached.isMatch) replace(afterValue(text, at).end, REDACTED_JSON);
    else if (first === QUOTE) string();
    else if (isContainer && (detect !== undefined || reached.isOpen)) {
      levels.push({ state: reached, index: first === OPEN_BRACKET ? 0 : undefined, giveName: undefined });
      at++;
    } else at = afterValue(text, at).end;
  };

  /** What detectors leave of a name. */
  const newName = (name: string): string => {
    const known = namesSeen.get(name);
    if (known !== undefined) return known;
    const left = detect === undefined ? name : detect(name);
    if (namesSeen.size < MOST_NAMES) namesSeen.set(name, left);
    return left;
  };

  const member = (level: Level): void => {
    const to = afterString(text, at);
    const name = stringAt(text, at, to);
    const left = newName(name);
    if (left === name) at = to;
    else {
      level.giveName ??= nameGiver(NOTHING_TAKEN);
      replace(to, JSON.stringify(level.giveName(left)));
    }
    at = afterSpace(text, afterSpace(text, at) + 1);
    value(paths.member(level.state, name));
  };

  value(state);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    at = afterSpace(text, at);
    const next = text.charCodeAt(at);
    if (next === CLOSE_BRACE || next === CLOSE_BRACKET) {
      levels.pop();
      at++;
    } else if (next === COMMA) at++;
    else if (level.index === undefined) member(level);
    else value(paths.element(level.state, level.index++));
  }
  return { edits, to: at };
};
