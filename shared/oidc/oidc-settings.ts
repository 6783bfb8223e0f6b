import * as v from "valibot";

const text = v.pipe(v.string("expected a text"), v.nonEmpty("expected a text that is not empty"));

const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/** Keys that came over plain http could be anybody's, but for those of this machine. */
const isSafeUrl = (url: string): boolean => {
  const { protocol, hostname } = URL.parse(url) ?? {};
  return protocol === "https:" || (protocol === "http:" && LOOPBACK_HOSTS.includes(hostname ?? ""));
};

/** The issuer whose tokens are accepted beside keys, and how its claims are read. */
export const OidcSettings = v.strictObject({
  /** As `iss` of its tokens says, to the letter. */
  issuer: text,
  /** As `aud` of its tokens says; of several, one is enough. */
  audience: v.union([text, v.pipe(v.array(text), v.nonEmpty())], "expected a text, or a list of at least one"),
  /** Where the issuer shows its public keys (a JSON Web Key Set). */
  jwksUrl: v.pipe(text, v.check(isSafeUrl, "expected an https URL (http only for localhost, 127.0.0.1 and [::1])")),
  /** The claim that holds the tenant's id. */
  tenantClaim: v.optional(text, "tenant"),
  /** The claim that holds the scopes: text separated by spaces, or a list of texts. */
  scopesClaim: v.optional(text, "scope"),
  /** What stands before the scopes that are meant for Runstone; others are ignored. */
  scopePrefix: v.optional(v.string("expected a text"), ""),
});
export type OidcSettings = v.InferOutput<typeof OidcSettings>;

/** The settings as the environment holds them: one text of JSON. */
export const OidcSettingsText = v.pipe(v.string(), v.parseJson(undefined, "expected JSON"), OidcSettings);
