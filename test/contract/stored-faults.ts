import { StoreFault } from "../../shared/ports/store-fault.ts";

/** What an adapter's suite works on: the adapter, and the same with nobody behind it. */
export interface Subject<Store> {
  readonly store: Store;
  /** Its storage is out of reach. */
  readonly broken: Store;
  stop(): Promise<void> | void;
}

/** That a call fails as ports say: with a StoreFault, after which the same call may succeed. */
export const expectRetryableFault = async (call: Promise<unknown>): Promise<void> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreFault);
  expect(error).toMatchObject({ isRetryable: true, cause: expect.anything() });
};

/** How many of so many callers at once were told that their call took effect. */
export const winnersAmong = async (calls: readonly Promise<boolean>[]): Promise<number> =>
  (await Promise.all(calls)).filter(Boolean).length;
