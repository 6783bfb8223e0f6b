import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** How the issuer's server answers who asks for its keys. */
export type KeySetAnswer = "keys" | "error" | "not-json" | "not-a-key-set" | "redirect" | "nothing";

/** An OIDC issuer on loopback: signs tokens and shows its public keys. */
export interface Issuer {
  readonly url: string;
  readonly jwksUrl: string;
  /** How often its keys were fetched. */
  readonly fetches: number;
  /** Of the key that signs RS256 and that of ES256. */
  readonly pairs: Readonly<Record<"RS256" | "ES256", KeyPair>>;
  /** Undefined members of header and claims are left out. */
  sign(claims: JWTPayload, header?: Partial<JWTHeaderParameters>, key?: KeyPair["privateKey"]): Promise<string>;
  /** Shows another RS256 key from now on, beside those that are there. */
  addKey(kid: string): Promise<KeyPair["privateKey"]>;
  answerWith(answer: KeySetAnswer): void;
  stop(): Promise<void>;
}

const publicKeyOf = async (pair: KeyPair, alg: string, kid: string) => ({
  ...(await exportJWK(pair.publicKey)),
  alg,
  kid,
  use: "sig",
});

/** An issuer with the keys `rsa` and `ec`. */
export const startIssuer = async (): Promise<Issuer> => {
  const pairs = { RS256: await generateKeyPair("RS256"), ES256: await generateKeyPair("ES256") };
  const keys = [await publicKeyOf(pairs.RS256, "RS256", "rsa"), await publicKeyOf(pairs.ES256, "ES256", "ec")];
  let fetches = 0;
  let answer: KeySetAnswer = "keys";

  const server: Server = createServer((request, response) => {
    if (request.url !== "/keys") return void response.writeHead(404).end();
    fetches += 1;
    if (answer === "nothing") return;
    if (answer === "redirect") return void response.writeHead(302, { location: "/elsewhere" }).end();
    if (answer === "error") return void response.writeHead(503).end();
    const bodies = { keys: JSON.stringify({ keys }), "not-json": "<html>", "not-a-key-set": '{"keys": 3}' };
    response.writeHead(200, { "content-type": "application/json" }).end(bodies[answer]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    jwksUrl: `${url}/keys`,
    pairs,
    get fetches() {
      return fetches;
    },
    sign: (claims, header = {}, key) => {
      const { alg = "RS256" } = header;
      const kid = alg === "ES256" ? "ec" : "rsa";
      const pair = alg === "ES256" ? pairs.ES256 : pairs.RS256;
      return new SignJWT(claims).setProtectedHeader({ kid, ...header, alg }).sign(key ?? pair.privateKey);
    },
    addKey: async (kid) => {
      const pair = await generateKeyPair("RS256");
      keys.push(await publicKeyOf(pair, "RS256", kid));
      return pair.privateKey;
    },
    answerWith: (next) => {
      answer = next;
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
};
