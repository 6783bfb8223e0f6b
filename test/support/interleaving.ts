import { setImmediate as turn } from "node:timers/promises";

/** Waits until it is this actor's turn. Whatever an actor does to the world it does after such a wait. */
export type Step = () => Promise<void>;

/** Somebody who does things while others do theirs. */
export type Actor = (step: Step) => Promise<unknown>;

/**
 * Lets actors act one step at a time: always the first in a random order that can, until at one of so many random
 * moments it is put last. So one of them stops in the middle for as long as others need to do all of theirs: schedules
 * that are found by chance alone only once in thousands (Burckhardt and others: "A randomized scheduler with
 * probabilistic guarantees of finding bugs", 2010).
 */
export const interleave = async (
  actors: readonly Actor[],
  of: { readonly random: () => number; readonly changes: number; readonly steps: number },
): Promise<void> => {
  const waiting = actors.map((): (() => void)[] => []);
  const order = actors.map((_, index) => ({ index, key: of.random() })).sort((a, b) => a.key - b.key);
  const changes = new Set(Array.from({ length: of.changes }, () => Math.floor(of.random() * of.steps)));
  let acting = actors.length;
  const all = Promise.all(
    actors.map(async (actor, index) => {
      const step: Step = () => new Promise((resolve) => waiting[index]?.push(resolve));
      await actor(step).finally(() => acting--);
    }),
  );
  for (let taken = 0; acting > 0; taken++) {
    await turn();
    const next = order.find(({ index }) => waiting[index]?.length);
    if (next === undefined) continue;
    if (changes.has(taken)) order.push(...order.splice(order.indexOf(next), 1));
    const steps = waiting[next.index] ?? [];
    steps.splice(Math.floor(of.random() * steps.length), 1)[0]?.();
  }
  await all;
};
