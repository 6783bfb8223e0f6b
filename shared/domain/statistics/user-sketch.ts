import { createHash } from "node:crypto";

/**
 * How many different users there were: a HyperLogLog (Flajolet and others, 2007) of 4,096 registers, counted by Ertl's
 * estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which needs no tables and holds
 * from one user on. It keeps no user and no digest of one: of each only which register it falls into, and a rank that
 * half of all users have, a quarter, and so on. Adding up takes the higher rank: the same in any order and grouping.
 * No library on npm that does this is both alive and small.
 */
export type UserSketch = ReadonlyMap<number, number>;

const REGISTER_BITS = 12;
/** Registers of a sketch. */
export const USER_REGISTERS = 2 ** REGISTER_BITS;

/** The standard error of a count, as a part of it: two of three counts are no further off, 19 of 20 no further than twice. */
export const USER_ERROR = 1.04 / Math.sqrt(USER_REGISTERS);

/** How many bits of a user's digest give the rank. */
const RANK_BITS = 52;

/** The sketch of one user. */
export const userOf = (user: string): UserSketch => {
  const bits = createHash("sha256").update(user).digest().readBigUInt64BE(0);
  const register = Number(bits >> BigInt(RANK_BITS));
  const rest = bits & ((1n << BigInt(RANK_BITS)) - 1n);
  const length = rest === 0n ? 0 : rest.toString(2).length;
  return new Map([[register, RANK_BITS - length + 1]]);
};

/** Adds the users of one sketch to another. */
export const addUsers = (to: Map<number, number>, sketch: UserSketch): void => {
  for (const [register, rank] of sketch) to.set(register, Math.max(rank, to.get(register) ?? 0));
};

/** What registers that are still empty tell. */
const sigma = (emptyPart: number): number => {
  if (emptyPart === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z] = [emptyPart, 1, emptyPart];
  for (let before = Number.NaN; z !== before; y += y) {
    before = z;
    x *= x;
    z += x * y;
  }
  return z;
};

/** What registers that can hold no more tell. */
const tau = (restPart: number): number => {
  if (restPart === 0 || restPart === 1) return 0;
  let [x, y, z] = [restPart, 1, 1 - restPart];
  for (let before = Number.NaN; z !== before; ) {
    before = z;
    x = Math.sqrt(x);
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
};

/** About how many users a sketch is of, {@link USER_ERROR} off; a whole number. */
export const countUsers = (sketch: UserSketch): number => {
  if (sketch.size === 0) return 0;
  const ofRank = new Array<number>(RANK_BITS + 2).fill(0);
  ofRank[0] = USER_REGISTERS - sketch.size;
  for (const rank of sketch.values()) ofRank[rank] = (ofRank[rank] ?? 0) + 1;
  const part = (rank: number): number => (ofRank[rank] ?? 0) / USER_REGISTERS;
  let sum = USER_REGISTERS * tau(1 - part(RANK_BITS + 1));
  for (let rank = RANK_BITS; rank >= 1; rank--) sum = 0.5 * (sum + (ofRank[rank] ?? 0));
  sum += USER_REGISTERS * sigma(part(0));
  return Math.round(USER_REGISTERS ** 2 / (2 * Math.LN2 * sum));
};
