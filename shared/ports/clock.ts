/** Time as the service sees it. Tests use one that moves by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when `signal` fires. */
  sleep(milliseconds: number): Promise<void>;
}
