import { type PathSegment, readRedactionPath } from "../../contract/redaction-path.ts";

/** How far paths have come along the way to a value. */
export interface PathState {
  /** A path ends here: it means this value. */
  readonly isMatch: boolean;
  /** Some path may mean a value below this one. */
  readonly isOpen: boolean;
}

/** Follows many paths at once through a JSON value, one step at a time. */
export interface PathMatcher {
  /** Before the first step. */
  readonly start: PathState;
  member(state: PathState, name: string): PathState;
  element(state: PathState, index: number): PathState;
}

/** A path, and how many of its segments are behind. */
interface Position {
  readonly id: number;
  readonly segment: PathSegment | undefined;
  readonly next: Position | undefined;
}

interface State extends PathState {
  readonly open: readonly Position[];
  /** Where steps lead that were taken before. */
  readonly steps: Map<Step, State>;
}

/** A member by its name, an element by its index; undefined and -1 are those that no path names. */
type Step = string | number | undefined;

/** Paths in a hostile shape can come to as many states as a value has places: from there on steps are not remembered. */
const MOST_REMEMBERED = 4096;

const OTHER_ELEMENT = -1;

/** The positions of a path, from its end to its beginning. */
const positionsOf = (segments: readonly PathSegment[], firstId: number): Position =>
  segments.reduceRight<Position>((next, segment, place) => ({ id: firstId + place, segment, next }), {
    id: firstId + segments.length,
    segment: undefined,
    next: undefined,
  });

const isTaken = (segment: PathSegment, step: Step): boolean => {
  if (segment.kind === "any") return true;
  return segment.kind === "index" ? segment.index === step : segment.name === step;
};

/** A matcher of these paths, which are in the form of `readRedactionPath`. */
export const pathMatcher = (paths: readonly string[]): PathMatcher => {
  const names = new Set<string>();
  const indexes = new Set<number>();
  const states = new Map<string, State>();

  const stateOf = (positions: readonly Position[]): State => {
    const sorted = [...new Map(positions.map((position) => [position.id, position])).values()].sort(
      (a, b) => a.id - b.id,
    );
    const key = sorted.map(({ id }) => id).join();
    const known = states.get(key);
    if (known !== undefined) return known;
    const open = sorted.filter(({ segment }) => segment !== undefined);
    const state = { isMatch: open.length < sorted.length, isOpen: open.length > 0, open, steps: new Map() };
    if (states.size < MOST_REMEMBERED) states.set(key, state);
    return state;
  };

  const walk = (from: State, step: Step): State => {
    const known = from.steps.get(step);
    if (known !== undefined) return known;
    const reached = from.open.flatMap((position): readonly Position[] => {
      const { segment, next } = position;
      if (segment === undefined || next === undefined) return [];
      const taken = isTaken(segment, step) ? [next] : [];
      return segment.kind === "descendant" ? [position, ...taken] : taken;
    });
    const state = stateOf(reached);
    if (states.size < MOST_REMEMBERED) from.steps.set(step, state);
    return state;
  };

  let nextId = 0;
  const beginnings = paths.flatMap((path) => {
    const reading = readRedactionPath(path);
    if (!reading.ok) return [];
    for (const segment of reading.segments) {
      if ("name" in segment) names.add(segment.name);
      if ("index" in segment) indexes.add(segment.index);
    }
    const position = positionsOf(reading.segments, nextId);
    nextId += reading.segments.length + 1;
    return [position];
  });

  return {
    start: stateOf(beginnings),
    member: (state, name) => walk(state as State, names.has(name) ? name : undefined),
    element: (state, index) => walk(state as State, indexes.has(index) ? index : OTHER_ELEMENT),
  };
};
