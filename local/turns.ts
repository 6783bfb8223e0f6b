/** Turns by key: who takes one waits until everybody who asked before for the same key has ended theirs. */
export interface Turns {
  /** Resolves when it is this caller's turn, to the function that ends it. */
  take(key: string): Promise<() => void>;
  /** Resolves when no turn is under way. */
  idle(): Promise<void>;
}

/** Nobody's turn yet. */
export function turnsByKey(): Turns {
  const last = new Map<string, Promise<void>>();
  return {
    take: async (key) => {
      const before = last.get(key);
      const { promise, resolve } = Promise.withResolvers<void>();
      last.set(key, promise);
      await before;
      return () => {
        if (last.get(key) === promise) last.delete(key);
        resolve();
      };
    },
    idle: async () => {
      while (last.size > 0) await Promise.all(last.values());
    },
  };
}
