/** A store did not do what was asked: throttled, out of reach, broken. `isRetryable` says whether the same call may succeed later. */
export class StoreFault extends Error {
  override readonly name = "StoreFault";
  readonly isRetryable: boolean;

  constructor(message: string, options: { cause: unknown; isRetryable: boolean }) {
    super(message, { cause: options.cause });
    this.isRetryable = options.isRetryable;
  }
}
