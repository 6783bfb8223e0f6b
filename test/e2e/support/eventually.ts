import { setTimeout as pause } from "node:timers/promises";

const EVERY_MS = 100;

/**
 * Looks until there is something to see, and gives it. Throws after so many seconds, with what it waited for and what
 * went wrong last.
 */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | undefined>,
  within: { readonly seconds: number } = { seconds: 20 },
): Promise<T> => {
  const end = Date.now() + within.seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() >= end) throw new Error(`waited ${within.seconds} s in vain: ${what}`);
    await pause(EVERY_MS);
  }
};
