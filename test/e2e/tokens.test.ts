import { createHmac, randomUUID } from "node:crypto";
import { generateKeyPair } from "jose";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText } from "../support/event-text.ts";
import { expectProblem, get, postEvents } from "./support/api.ts";
import { eventually } from "./support/eventually.ts";
import { lackOf, testNeeding } from "./support/needs.ts";
import { type OwnIssuer, startOwnIssuer } from "./support/own-issuer.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

const hasIssuer = lackOf("ownIssuer") === undefined;

let issuer: OwnIssuer;
let tenantId: TenantId;
let other: TenantId;
beforeAll(async () => {
  [tenantId, other] = [newTenant("token"), newTenant("token-other")];
  if (!hasIssuer) return;
  issuer = await startOwnIssuer();
  const token = await issuer.sign(issuer.claims(tenantId));
  // The functions ask for new keys at most every 30 seconds: those of a suite just before may still count.
  const accepted = await eventually(
    "the stage has the suite's keys",
    async () => ((await get("/v1/apps", { key: token })).status === 200 ? true : undefined),
    { seconds: 40 },
  );
  expect(accepted).toBe(true);
}, 60_000);
afterAll(async () => {
  if (hasIssuer) await issuer.stop();
  await revokeKeys();
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const now = (): number => Math.floor(Date.now() / 1000);

testNeeding("ownIssuer", "a token of the issuer speaks for the tenant that it names, with its scopes", async () => {
  const token = await issuer.sign(issuer.claims(tenantId));

  const posted = await postEvents(token, [eventText("run.started")]);
  const mine = await get("/v1/runs/run-1", { key: token });
  const byKey = await get("/v1/runs/run-1", { key: await newKey(tenantId) });
  const theirs = await get("/v1/runs/run-1", { key: await issuer.sign(issuer.claims(other)) });

  expect([posted.status, mine.status, mine.text]).toEqual([200, 200, byKey.text]);
  expectProblem(theirs, 404, "NOT_FOUND");
  expectProblem(await get("/v1/quarantine", { key: token }), 403, "FORBIDDEN");
});

const REFUSED: readonly (readonly [what: string, make: () => Promise<string>])[] = [
  ["of another issuer", () => issuer.sign(issuer.claims(tenantId, { iss: "https://issuer.example/" }))],
  ["of the issuer without its slash", () => issuer.sign(issuer.claims(tenantId, { iss: "http://127.0.0.1:4599" }))],
  ["for another audience", () => issuer.sign(issuer.claims(tenantId, { aud: "somebody-else" }))],
  ["for no audience", () => issuer.sign(issuer.claims(tenantId, { aud: undefined }))],
  ["that has expired", () => issuer.sign(issuer.claims(tenantId, { iat: now() - 600, exp: now() - 1 }))],
  ["that does not expire", () => issuer.sign(issuer.claims(tenantId, { exp: undefined }))],
  ["that is not valid yet", () => issuer.sign(issuer.claims(tenantId, { nbf: now() + 120 }))],
  ["that was issued in the future", () => issuer.sign(issuer.claims(tenantId, { iat: now() + 120 }))],
  ["that names no tenant", () => issuer.sign(issuer.claims(tenantId, { tenant: undefined }))],
  ["whose tenant is no id", () => issuer.sign(issuer.claims("a#b"))],
  ["whose tenant is a list", () => issuer.sign(issuer.claims(tenantId, { tenant: [tenantId, other] }))],
  ["that names no scopes", () => issuer.sign(issuer.claims(tenantId, { scope: undefined }))],
  ["under a key that the issuer does not have", () => issuer.sign(issuer.claims(tenantId), { kid: randomUUID() })],
  [
    "signed by somebody else under the issuer's key id",
    async () => {
      const { privateKey } = await generateKeyPair("RS256");
      return issuer.sign(issuer.claims(tenantId), { key: privateKey });
    },
  ],
  ["without a signature (alg none)", async () => `${part({ alg: "none" })}.${part(issuer.claims(tenantId))}.`],
  [
    "of alg none, with the signature of a good one",
    async () => {
      const good = await issuer.sign(issuer.claims(tenantId));
      return `${part({ alg: "none", kid: issuer.kid })}.${part(issuer.claims(tenantId))}.${good.split(".")[2]}`;
    },
  ],
  [
    "signed with the public key as a shared secret (HS256)",
    async () => {
      const signed = `${part({ alg: "HS256", kid: issuer.kid, typ: "JWT" })}.${part(issuer.claims(tenantId))}`;
      return `${signed}.${createHmac("sha256", issuer.publicPem).update(signed).digest("base64url")}`;
    },
  ],
  [
    "whose claims were changed after it was signed",
    async () => {
      const [head, , signature] = (await issuer.sign(issuer.claims(other))).split(".");
      return `${head}.${part(issuer.claims(tenantId))}.${signature}`;
    },
  ],
  [
    "that brings its own key along",
    async () => {
      const { privateKey } = await generateKeyPair("RS256");
      const jwk = { kty: "RSA", e: "AQAB", n: "x".repeat(342) };
      const token = await issuer.sign(issuer.claims(tenantId), { key: privateKey });
      const [, claims, signature] = token.split(".");
      return `${part({ alg: "RS256", kid: issuer.kid, jwk, jku: "http://127.0.0.1:4599/mine" })}.${claims}.${signature}`;
    },
  ],
  ["that is none", async () => "a.b.c"],
  ["of five parts", async () => `${await issuer.sign(issuer.claims(tenantId))}.x.y`],
];

for (const [what, make] of REFUSED) {
  testNeeding("ownIssuer", `a token is refused ${what}`, async () => {
    const token = await make();

    const answer = await get("/v1/apps", { key: token });

    expectProblem(answer, 401, "UNAUTHORIZED");
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect(answer.text).not.toContain(token);
  });
}

testNeeding("ownIssuer", "a token whose scopes are unknown allows nothing", async () => {
  const token = await issuer.sign(issuer.claims(tenantId, { scope: "READ everything ingest,read *" }));

  expectProblem(await get("/v1/apps", { key: token }), 403, "FORBIDDEN");
  expectProblem(await postEvents(token, [eventText("run.started")]), 403, "FORBIDDEN");
});
