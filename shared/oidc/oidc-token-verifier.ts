import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import * as v from "valibot";
import { TenantId } from "../contract/identifiers.ts";
import { SCOPES, type Scope } from "../contract/routes.ts";
import { KeySetFault, type TokenVerdict, type TokenVerifier } from "../ports/token-verifier.ts";
import type { OidcSettings } from "./oidc-settings.ts";

/** Signatures by a private key only: with a shared secret, whoever can check a token could make one. */
const ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");

/** How far the issuer's clock may be ahead of ours. Only for beginnings: a token ends at its `exp` to the second. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** How keys are fetched (milliseconds): once, again when a token names an unknown one, but not all the time. */
const KEY_SET = { timeoutDuration: 2000, cooldownDuration: 30_000, cacheMaxAge: 600_000 };

/** What jose throws about a token. Anything else that it throws is about the keys, or a bug. */
const REFUSALS = [
  errors.JWSInvalid,
  errors.JWTInvalid,
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

const refused = (reason: string): TokenVerdict => ({ kind: "refused", reason });

/** Codes and names of claims are ours to show; what the token says is not. */
const reasonOf = (error: unknown): string | undefined => {
  if (!REFUSALS.some((Refusal) => error instanceof Refusal)) return undefined;
  const { code, claim } = error as { code: string; claim?: string };
  return claim === undefined ? code : `${code} (${claim})`;
};

/** Undefined where the claim is of another shape. Scopes that Runstone does not know are left out. */
const scopesOf = (claim: unknown, prefix: string): Scope[] | undefined => {
  const granted = typeof claim === "string" ? claim.split(" ") : claim;
  if (!Array.isArray(granted) || !granted.every((one) => typeof one === "string")) return undefined;
  return SCOPES.filter((scope) => granted.includes(`${prefix}${scope}`));
};

const claimOf = (claims: JWTPayload, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);

/** What a token with a good signature, issuer and audience grants. jose lets tokens end late and does not look at `iat`. */
const verdictOf = (claims: JWTPayload, settings: OidcSettings, now: number): TokenVerdict => {
  const expiresAt = Math.floor((claims.exp ?? 0) * 1000);
  if (!Number.isSafeInteger(expiresAt)) return refused("exp is no time");
  if (expiresAt <= now) return refused("exp has passed");
  if (claims.iat !== undefined && claims.iat > now / 1000 + CLOCK_TOLERANCE_SECONDS) {
    return refused("iat is in the future");
  }
  const tenantId = v.safeParse(TenantId, claimOf(claims, settings.tenantClaim));
  if (!tenantId.success) return refused(`the claim ${settings.tenantClaim} holds no tenant id`);
  const scopes = scopesOf(claimOf(claims, settings.scopesClaim), settings.scopePrefix);
  if (scopes === undefined) return refused(`the claim ${settings.scopesClaim} holds no scopes`);
  return { kind: "granted", grant: { tenantId: tenantId.output, scopes, expiresAt }, subject: claims.sub };
};

/**
 * Tokens of one OIDC issuer. Its keys are fetched at the first token and kept for ten minutes; a token under an unknown key
 * has them fetched again, at most every 30 seconds.
 */
export const oidcTokenVerifier = (settings: OidcSettings): TokenVerifier => {
  const keySet = createRemoteJWKSet(new URL(settings.jwksUrl), KEY_SET);
  return {
    verify: async (token, now) => {
      try {
        const { payload } = await jwtVerify(token, keySet, {
          algorithms: ALGORITHMS,
          issuer: settings.issuer,
          audience: settings.audience,
          requiredClaims: ["exp"],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: new Date(now),
        });
        return verdictOf(payload, settings, now);
      } catch (error) {
        const reason = reasonOf(error);
        if (reason !== undefined) return refused(reason);
        throw new KeySetFault("the issuer's keys could not be had", { cause: error });
      }
    },
  };
};
