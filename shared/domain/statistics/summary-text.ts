import { compareText } from "../fold/member.ts";
import type { Counts, Summary } from "./summary.ts";
import { USER_REGISTERS, type UserSketch } from "./user-sketch.ts";

/**
 * A summary as it is stored: JSON of lists, because names of members would be most of it. Members that are empty at the
 * end are left out. Equal summaries are equal texts. New members go to the end.
 */

/** As pairs this many registers take more room than all of them with a character each. */
const MOST_PAIRS = 800;

const RANKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const RANKS_OF_A_REGISTER = RANKS.length;

const sorted = <Name extends string | number, Value>(map: ReadonlyMap<Name, Value>): [Name, Value][] =>
  [...map].sort(([a], [b]) => (typeof a === "number" ? a - Number(b) : compareText(a, String(b))));

const writeUsers = (users: UserSketch): number[] | string => {
  if (users.size <= MOST_PAIRS) return sorted(users).map(([register, rank]) => register * RANKS_OF_A_REGISTER + rank);
  return Array.from({ length: USER_REGISTERS }, (_, register) => RANKS[users.get(register) ?? 0]).join("");
};

const readUsers = (stored: readonly number[] | string): UserSketch => {
  if (typeof stored !== "string") {
    return new Map(stored.map((pair) => [Math.floor(pair / RANKS_OF_A_REGISTER), pair % RANKS_OF_A_REGISTER]));
  }
  const ranks = [...stored].map((letter, register): [number, number] => [register, RANKS.indexOf(letter)]);
  return new Map(ranks.filter(([, rank]) => rank > 0));
};

type StoredNames<Value> = readonly (readonly [name: string, value: Value])[];

type StoredSummary = readonly [
  runs: StoredNames<number>,
  tokens: string,
  latency: readonly [count: number, sumMs: string, minMs: number, maxMs: number, buckets: readonly number[]],
  users: readonly number[] | string,
  triggers: StoredNames<number>,
  versions: StoredNames<number>,
  prices?: StoredNames<string>,
  failures?: StoredNames<number>,
];

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** The text of a summary. */
export const writeSummary = (summary: Summary): string => {
  const { latency } = summary;
  const stored: StoredSummary = [
    sorted(summary.runs),
    String(summary.tokens),
    [latency.count, String(latency.sumMs), latency.minMs, latency.maxMs, sorted(latency.buckets).flat()],
    writeUsers(summary.users),
    sorted(summary.triggers),
    sorted(summary.versions),
    sorted(summary.prices),
    sorted(summary.failures),
  ];
  return JSON.stringify(stored.slice(0, stored.findLastIndex((member) => !isEmpty(member)) + 1));
};

const pairsOf = (flat: readonly number[]): [number, number][] =>
  Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index] ?? 0, flat[2 * index + 1] ?? 0]);

const countsOf = (stored: StoredNames<number> = []): Counts => new Map(stored);

/** Reads what {@link writeSummary} wrote. */
export const readSummary = (text: string): Summary => {
  const [runs, tokens, latency, users = [], triggers, versions, prices = [], failures] = JSON.parse(
    text,
  ) as StoredSummary;
  const [count, sumMs, minMs, maxMs, buckets] = latency;
  return {
    runs: countsOf(runs),
    tokens: BigInt(tokens),
    prices: new Map(prices),
    latency: { count, sumMs: BigInt(sumMs), minMs, maxMs, buckets: new Map(pairsOf(buckets)) },
    users: readUsers(users),
    triggers: countsOf(triggers),
    versions: countsOf(versions),
    failures: countsOf(failures),
  };
};
