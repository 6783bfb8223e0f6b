import type { Grant } from "../domain/grant.ts";

/** A token is good, or is refused for a reason: for the log, in words that hold no part of the token. */
export type TokenVerdict =
  | {
      readonly kind: "granted";
      readonly grant: Grant /** Whom the issuer means, where it says so. */;
      readonly subject: string | undefined;
    }
  | { readonly kind: "refused"; readonly reason: string };

/** Whom a signed token (JWT) of a trusted issuer speaks for. */
export interface TokenVerifier {
  /**
   * Refuses on any doubt about the token. `now` is in milliseconds since 1970. Throws KeySetFault where the issuer's
   * keys cannot be had: then nothing is known of the token, and nobody is let in. Safe to repeat.
   */
  verify(token: string, now: number): Promise<TokenVerdict>;
}

/** The issuer's keys are out of reach or broken, so no token can be checked. Another try may succeed. */
export class KeySetFault extends Error {
  override readonly name = "KeySetFault";
  readonly isRetryable = true;
}
