import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { deployment } from "./deployment.ts";

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

/** The issuer that the stage trusts, played by the suite: it serves its keys where the stage's settings say. */
export interface OwnIssuer {
  /** Claims of a good token for this tenant; some can be changed, and undefined takes one away. */
  claims(tenantId: string, changes?: Readonly<Record<string, unknown>>): JWTPayload;
  /** Signs claims with the issuer's key, or with another one. */
  sign(claims: JWTPayload, of?: { readonly kid?: string; readonly key?: PrivateKey }): Promise<string>;
  /** The public key as everybody can have it. */
  readonly publicPem: string;
  readonly kid: string;
  stop(): Promise<void>;
}

/** Serves a key that no one has seen before, until it is stopped. */
export const startOwnIssuer = async (): Promise<OwnIssuer> => {
  const { oidc } = deployment().settings;
  if (oidc === undefined) throw new Error("the stage trusts no issuer");
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = randomUUID();
  const keys = [{ ...(await exportJWK(publicKey)), alg: "RS256", kid, use: "sig" }];
  const { port, hostname, pathname } = new URL(oidc.jwksUrl);
  const server = createServer((request, response) => {
    response.writeHead(request.url === pathname ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(port), hostname, resolve);
  });
  return {
    kid,
    publicPem: await exportSPKI(publicKey),
    claims: (tenantId, changes = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const scopes = ["ingest", "read", "payload"].map((scope) => `${oidc.scopePrefix}${scope}`).join(" ");
      const { issuer: iss, audience, tenantClaim, scopesClaim } = oidc;
      const aud = Array.isArray(audience) ? audience[0] : audience;
      const good = { iss, aud, iat: now, exp: now + 300, [tenantClaim]: tenantId, [scopesClaim]: scopes };
      return { ...good, ...changes } as JWTPayload;
    },
    sign: (claims, of = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: of.kid ?? kid }).sign(of.key ?? privateKey),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
};
