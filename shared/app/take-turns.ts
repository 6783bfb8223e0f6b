/** Waits for one's turn; resolves to how to end it. */
export type WaitForTurn = () => Promise<() => void>;

/** Has those who wait go one at a time, in the order in which they came. Whoever had a turn must end it. */
export const takeTurns = (): WaitForTurn => {
  let last: Promise<void> = Promise.resolve();
  return async () => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    return resolve;
  };
};
