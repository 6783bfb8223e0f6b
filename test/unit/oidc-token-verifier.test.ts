import { createHmac } from "node:crypto";
import { exportSPKI, generateKeyPair, type JWTPayload } from "jose";
import * as v from "valibot";
import { OidcSettings } from "../../shared/oidc/oidc-settings.ts";
import { oidcTokenVerifier } from "../../shared/oidc/oidc-token-verifier.ts";
import { KeySetFault, type TokenVerifier } from "../../shared/ports/token-verifier.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";

const NOW = Date.parse("2026-11-22T12:00:00.000Z");
const SECONDS = NOW / 1000;

let issuer: Issuer;
let verifier: TokenVerifier;
const settings = (of: Partial<v.InferInput<typeof OidcSettings>> = {}) =>
  v.parse(OidcSettings, { issuer: issuer.url, audience: "runstone", jwksUrl: issuer.jwksUrl, ...of });

beforeAll(async () => {
  issuer = await startIssuer();
  verifier = oidcTokenVerifier(settings());
});
afterAll(() => issuer.stop());

/** Claims of a good token. A member that is undefined is not in it. */
const claims = (of: Record<string, unknown> = {}): JWTPayload => ({
  iss: issuer.url,
  aud: "runstone",
  sub: "worker-7",
  iat: SECONDS - 10,
  nbf: SECONDS - 10,
  exp: SECONDS + 300,
  tenant: "acme",
  scope: "read ingest",
  ...of,
});

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const verdictOn = async (of: Record<string, unknown>, by: TokenVerifier = verifier) =>
  by.verify(await issuer.sign(claims(of)), NOW);

describe("a token of the issuer", () => {
  test.each(["RS256", "ES256"])("signed by %s grants what its claims say", async (alg) => {
    const token = await issuer.sign(claims(), { alg });

    expect(await verifier.verify(token, NOW)).toEqual({
      kind: "granted",
      grant: { tenantId: "acme", scopes: ["ingest", "read"], expiresAt: NOW + 300_000 },
      subject: "worker-7",
    });
  });

  test.each<[string, JWTPayload, string[]]>([
    ["as text", { scope: "read payload" }, ["read", "payload"]],
    ["as a list", { scope: ["admin", "control"] }, ["control", "admin"]],
    ["several times", { scope: "read read" }, ["read"]],
    ["among others of its own", { scope: "openid read email READ read:x" }, ["read"]],
    ["that nobody knows, which leave none", { scope: "openid" }, []],
    ["that are none", { scope: "" }, []],
    ["that are an empty list", { scope: [] }, []],
  ])("names scopes %s", async (_, of, scopes) => {
    expect(await verdictOn(of)).toMatchObject({ kind: "granted", grant: { scopes } });
  });

  test("may be for several audiences, and one of several accepted ones is enough", async () => {
    const several = oidcTokenVerifier(settings({ audience: ["one", "two"] }));

    expect(await verdictOn({ aud: ["other", "runstone"] })).toMatchObject({ kind: "granted" });
    expect(await verdictOn({ aud: "two" }, several)).toMatchObject({ kind: "granted" });
    expect(await verdictOn({ aud: "runstone" }, several)).toMatchObject({ kind: "refused" });
  });

  test("is read by the names of claims and the prefix that are set", async () => {
    const named = oidcTokenVerifier(
      settings({ tenantClaim: "https://example.com/tenant", scopesClaim: "permissions", scopePrefix: "runstone:" }),
    );
    const of = { "https://example.com/tenant": "globex", permissions: ["runstone:read", "control", "other:admin"] };

    expect(await verdictOn(of, named)).toMatchObject({
      kind: "granted",
      grant: { tenantId: "globex", scopes: ["read"] },
    });
  });

  test("need not say who holds it, nor when it was made", async () => {
    expect(await verdictOn({ sub: undefined, iat: undefined, nbf: undefined })).toMatchObject({ kind: "granted" });
  });

  test("is good to its last millisecond, and to no later one", async () => {
    const token = await issuer.sign(claims({ exp: SECONDS + 0.5 }));

    expect(await verifier.verify(token, NOW + 499)).toMatchObject({ kind: "granted", grant: { expiresAt: NOW + 500 } });
    expect(await verifier.verify(token, NOW + 500)).toMatchObject({ kind: "refused" });
  });

  test("may begin as much later as clocks may disagree", async () => {
    expect(await verdictOn({ iat: SECONDS + 30, nbf: SECONDS + 30 })).toMatchObject({ kind: "granted" });
  });
});

describe("a token is refused", () => {
  const claim = (name: string) => `ERR_JWT_CLAIM_VALIDATION_FAILED (${name})`;
  const noTenant = "the claim tenant holds no tenant id";
  const noScopes = "the claim scope holds no scopes";

  test.each<[string, Record<string, unknown>, string]>([
    ["of another issuer", { iss: "https://example.com" }, claim("iss")],
    ["of an issuer that only begins alike", { iss: "http://127.0.0.1" }, claim("iss")],
    ["of no issuer", { iss: undefined }, claim("iss")],
    ["for another audience", { aud: "somebody-else" }, claim("aud")],
    ["for an audience in other letters", { aud: "Runstone" }, claim("aud")],
    ["for no audience", { aud: undefined }, claim("aud")],
    ["that has expired", { exp: SECONDS - 1 }, "exp has passed"],
    ["that expires now", { exp: SECONDS }, "exp has passed"],
    ["that expired long ago", { exp: SECONDS - 60 }, "ERR_JWT_EXPIRED (exp)"],
    ["that does not expire", { exp: undefined }, claim("exp")],
    ["that expires beyond all time", { exp: 1e300 }, "exp is no time"],
    ["that is not good yet", { nbf: SECONDS + 31 }, claim("nbf")],
    ["that was made in the future", { iat: SECONDS + 31 }, "iat is in the future"],
    ["whose expiry is no number", { exp: "tomorrow" }, claim("exp")],
    ["whose beginning is no number", { nbf: "yesterday" }, claim("nbf")],
    ["whose time of making is no number", { iat: "now" }, claim("iat")],
    ["without a tenant", { tenant: undefined }, noTenant],
    ["of an empty tenant", { tenant: "" }, noTenant],
    ["whose tenant holds the separator of keys", { tenant: "acme#R" }, noTenant],
    ["whose tenant is no text", { tenant: ["acme"] }, noTenant],
    ["whose tenant is too long", { tenant: "a".repeat(129) }, noTenant],
    ["without scopes", { scope: undefined }, noScopes],
    ["whose scopes are no text and no list", { scope: { read: true } }, noScopes],
    ["whose scopes are a number", { scope: 7 }, noScopes],
    ["one of whose scopes is no text", { scope: ["read", 7] }, noScopes],
  ])("%s", async (_, of, reason) => {
    expect(await verdictOn(of)).toEqual({ kind: "refused", reason });
  });

  test("whose tenant is named by what every object has", async () => {
    const inherited = oidcTokenVerifier(settings({ tenantClaim: "constructor", scopesClaim: "__proto__" }));

    expect(await verdictOn({}, inherited)).toEqual({
      kind: "refused",
      reason: "the claim constructor holds no tenant id",
    });
  });

  test("that is not signed", async () => {
    const token = `${base64({ alg: "none" })}.${base64(claims())}.`;

    expect(await verifier.verify(token, NOW)).toEqual({ kind: "refused", reason: "ERR_JOSE_ALG_NOT_ALLOWED" });
    expect(await verifier.verify(`${token}${base64("x")}`, NOW)).toEqual({
      kind: "refused",
      reason: "ERR_JOSE_ALG_NOT_ALLOWED",
    });
  });

  test("that is signed with the public key as a secret", async () => {
    const secret = await exportSPKI(issuer.pairs.RS256.publicKey);
    const signed = `${base64({ alg: "HS256", kid: "rsa" })}.${base64(claims())}`;
    const signature = createHmac("sha256", secret).update(signed).digest("base64url");

    expect(await verifier.verify(`${signed}.${signature}`, NOW)).toEqual({
      kind: "refused",
      reason: "ERR_JOSE_ALG_NOT_ALLOWED",
    });
  });

  test("that is signed by somebody else under the issuer's key id", async () => {
    const { privateKey } = await generateKeyPair("RS256");

    expect(await verifier.verify(await issuer.sign(claims(), {}, privateKey), NOW)).toEqual({
      kind: "refused",
      reason: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    });
  });

  test("that brings its own key along", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const token = await issuer.sign(claims(), { kid: "mine", jku: `${issuer.url}/mine` }, privateKey);

    expect(await verifier.verify(token, NOW)).toEqual({ kind: "refused", reason: "ERR_JWKS_NO_MATCHING_KEY" });
  });

  test("that names a key of another algorithm", async () => {
    const token = await issuer.sign(claims(), { alg: "ES256", kid: "rsa" });

    expect(await verifier.verify(token, NOW)).toEqual({ kind: "refused", reason: "ERR_JWKS_NO_MATCHING_KEY" });
  });

  test("that demands what nobody understands", async () => {
    const token = `${base64({ alg: "RS256", kid: "rsa", crit: ["magic"], magic: 1 })}.${base64(claims())}.AAAA`;

    expect(await verifier.verify(token, NOW)).toEqual({ kind: "refused", reason: "ERR_JOSE_NOT_SUPPORTED" });
  });

  test("one character of which was changed", async () => {
    const token = await issuer.sign(claims());
    const [header = "", , signature = ""] = token.split(".");
    const stolen = `${header}.${base64(claims({ tenant: "globex" }))}.${signature}`;

    expect(await verifier.verify(stolen, NOW)).toEqual({
      kind: "refused",
      reason: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    });
  });

  test.each(["a.b.c", "..", "", "eyJ.eyJ.eyJ", `${"A".repeat(5000)}.${"A".repeat(5000)}.A`, "\u0000.\u0000.\u0000"])(
    "that is garbage: %#",
    async (token) => {
      expect(await verifier.verify(token, NOW)).toMatchObject({ kind: "refused" });
    },
  );

  test("for a reason that shows nothing of it", async () => {
    const verdict = await verdictOn({ tenant: "s3cret#tenant", sub: "s3cret" });

    expect(verdict).toEqual({ kind: "refused", reason: "the claim tenant holds no tenant id" });
    expect(await verdictOn({ aud: "s3cret" })).toEqual({
      kind: "refused",
      reason: "ERR_JWT_CLAIM_VALIDATION_FAILED (aud)",
    });
  });
});

describe("the issuer's keys", () => {
  let other: Issuer;
  let own: TokenVerifier;
  const ownClaims = () => claims({ iss: other.url });
  beforeEach(async () => {
    other = await startIssuer();
    own = oidcTokenVerifier(settings({ issuer: other.url, jwksUrl: other.jwksUrl }));
  });
  afterEach(() => other.stop());

  test("are fetched once, for many tokens at once and after one another", async () => {
    const token = await other.sign(ownClaims());
    await Promise.all([own.verify(token, NOW), own.verify(token, NOW), own.verify(token, NOW)]);
    await own.verify(await other.sign(ownClaims(), { alg: "ES256" }), NOW);

    expect(other.fetches).toBe(1);
  });

  test("are not fetched for a token whose algorithm is not allowed", async () => {
    await own.verify(`${base64({ alg: "none" })}.${base64(ownClaims())}.AAAA`, NOW);
    await own.verify("a.b.c", NOW);

    expect(other.fetches).toBe(0);
  });

  test("are not fetched again for each token that names an unknown one", async () => {
    await own.verify(await other.sign(ownClaims()), NOW);
    for (const kid of ["x", "y", "z"]) {
      expect(await own.verify(await other.sign(ownClaims(), { kid }), NOW)).toMatchObject({
        kind: "refused",
        reason: "ERR_JWKS_NO_MATCHING_KEY",
      });
    }

    expect(other.fetches).toBe(1);
  });

  test("may change: a new one is fetched when a token names it and the last fetch is old enough", async () => {
    const realNow = Date.now;
    await own.verify(await other.sign(ownClaims()), NOW);
    const token = await other.sign(ownClaims(), { kid: "new" }, await other.addKey("new"));
    expect(await own.verify(token, NOW)).toMatchObject({ kind: "refused" });

    // jose reads the machine's clock for its own pauses.
    Date.now = () => realNow() + 31_000;
    try {
      expect(await own.verify(token, NOW)).toMatchObject({ kind: "granted" });
    } finally {
      Date.now = realNow;
    }
    expect(other.fetches).toBe(2);
  });

  test.each(["error", "not-json", "not-a-key-set", "redirect"] as const)(
    "that cannot be had are a fault, and let nobody in: %s",
    async (answer) => {
      other.answerWith(answer);
      const token = await other.sign(ownClaims());

      const error: unknown = await own.verify(token, NOW).catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(KeySetFault);
      expect(error).toMatchObject({ isRetryable: true, cause: expect.anything() });
      other.answerWith("keys");
      expect(await own.verify(token, NOW)).toMatchObject({ kind: "granted" });
    },
  );

  test("that nobody answers for are given up after two seconds", async () => {
    other.answerWith("nothing");
    const startedAt = performance.now();

    await expect(own.verify(await other.sign(ownClaims()), NOW)).rejects.toBeInstanceOf(KeySetFault);

    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test("out of reach are a fault", async () => {
    await other.stop();

    await expect(own.verify(await other.sign(ownClaims()), NOW)).rejects.toBeInstanceOf(KeySetFault);
  });
});
