import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type EmbeddedStack, spawnStack, startEmbeddedStack } from "../support/embedded-stack.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";

describe("the embedded stack with an issuer in its environment", () => {
  let issuer: Issuer;
  let stack: EmbeddedStack;
  beforeAll(async () => {
    issuer = await startIssuer();
    const OIDC = JSON.stringify({ issuer: issuer.url, audience: "runstone", jwksUrl: issuer.jwksUrl });
    stack = await startEmbeddedStack({ OIDC });
  });
  afterAll(async () => {
    await stack.stop();
    await issuer.stop();
  });

  const tokenOf = (claims: Record<string, unknown>, lastsSeconds = 60) =>
    issuer.sign({ iss: issuer.url, aud: "runstone", exp: Date.now() / 1000 + lastsSeconds, ...claims });
  const ask = async (authorization: string | readonly string[], path = "/v1/apps") => {
    const asked = request(`${stack.local.api_url}${path}`);
    asked.setHeader("authorization", authorization);
    asked.end();
    return new Promise<number | undefined>((resolve, reject) => {
      asked.once("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once("error", reject);
    });
  };

  test("takes its tokens, and keys beside them", async () => {
    expect(await ask(`Bearer ${await tokenOf({ tenant: "acme", scope: "read" })}`)).toBe(200);
    expect(await ask(`Bearer ${stack.local.keys.acme}`)).toBe(200);
  });

  test("answers 403 to a token without the scope, 401 to one that is wrong", async () => {
    expect(await ask(`Bearer ${await tokenOf({ tenant: "acme", scope: "openid" })}`)).toBe(403);
    expect(await ask(`Bearer ${await tokenOf({ tenant: "acme", scope: "read" }, -1)}`)).toBe(401);
    expect(await ask(`Bearer ${await tokenOf({ tenant: "ac#me", scope: "read" })}`)).toBe(401);
  });

  test("answers 401 to two headers, even of one good key", async () => {
    const bearer = `Bearer ${stack.local.keys.demo}`;

    expect(await ask([bearer, bearer])).toBe(401);
    expect(await ask([bearer, "Bearer x"])).toBe(401);
    expect(await ask(["Bearer x", bearer])).toBe(401);
  });

  test("answers 500, and lets nobody in, where the issuer's keys cannot be had", async () => {
    const lost = await startIssuer();
    const OIDC = JSON.stringify({ issuer: lost.url, audience: "runstone", jwksUrl: `${lost.url}/elsewhere` });
    const other = await startEmbeddedStack({ OIDC }, "ignore");
    try {
      const exp = Date.now() / 1000 + 60;
      const token = await lost.sign({ iss: lost.url, aud: "runstone", exp, tenant: "acme", scope: "read" });
      const answer = await fetch(`${other.local.api_url}/v1/apps`, { headers: { authorization: `Bearer ${token}` } });

      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({ code: "INTERNAL" });
    } finally {
      await other.stop();
      await lost.stop();
    }
  });
});

test("the embedded stack does not start with settings of credentials that are wrong, and says which", async () => {
  const RUNSTONE_DATA_DIR = join(tmpdir(), "runstone-never-started");
  const child = spawnStack({ RUNSTONE_DATA_DIR, OIDC: '{"issuer":"a"}', LONGEST_KEY_DAYS: "-1" }, "pipe");
  const ended = new Promise((resolve) => child.once("close", resolve));

  const [message, code] = await Promise.all([child.stderr === null ? "" : text(child.stderr), ended]);

  expect(code).toBe(1);
  expect(message.trimEnd().split("\n")).toHaveLength(1);
  expect(message).toContain("OIDC.audience: must be set");
  expect(message).toContain("LONGEST_KEY_DAYS: expected a whole number");
});
