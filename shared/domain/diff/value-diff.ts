import { canonicalJson } from "../../contract/canonical-json.ts";
import { membersOf } from "../../contract/json-text.ts";
import { exactNumber } from "./exact-number.ts";

/** Two JSON texts that are not equal; undefined: there is none on that side. */
export interface ValueDifference {
  /** The member of two objects that differs; undefined: the values as a whole. */
  readonly name: string | undefined;
  readonly run: string | undefined;
  readonly other: string | undefined;
}

/**
 * Whether two JSON texts say the same: white space, order of members and spelling of numbers and strings aside. Numbers
 * are decimals of any size: two that the same double would stand for are not the same.
 */
export const isSameValue = (a: string | undefined, b: string | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && canonicalJson(a, exactNumber) === canonicalJson(b, exactNumber));

const isObject = (text: string | undefined): text is string => text?.trimStart().startsWith("{") === true;

/** What differs between two JSON values: of two objects each member that does, in order, those of the first before. */
export const differencesBetween = (run: string | undefined, other: string | undefined): ValueDifference[] => {
  if (run === other) return [];
  if (!isObject(run) || !isObject(other)) return isSameValue(run, other) ? [] : [{ name: undefined, run, other }];
  const [mine, theirs] = [new Map(membersOf(run).members), new Map(membersOf(other).members)];
  return [...new Set([...mine.keys(), ...theirs.keys()])]
    .filter((name) => !isSameValue(mine.get(name), theirs.get(name)))
    .map((name) => ({ name, run: mine.get(name), other: theirs.get(name) }));
};
