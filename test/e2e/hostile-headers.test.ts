import { expectProblem, get } from "./support/api.ts";
import { rawTarget, sendRaw } from "./support/raw-connection.ts";
import { type Attack, endAttack, prepareAttack, SECRET } from "./support/victim.ts";

let attack: Attack;
let victim: string;
let victimKey: string;
let key: string;
beforeAll(async () => {
  attack = await prepareAttack();
  ({ victim, victimKey, key } = attack);
});
afterAll(() => endAttack(attack));

describe("a header", () => {
  test("that says whose or whence the request is changes nothing", async () => {
    const plain = await get("/v1/runs/run-1", { key });
    const headers = {
      "x-tenant-id": victim,
      "x-tenant": victim,
      "x-scopes": "admin",
      "x-amzn-principal-id": victim,
      "x-amzn-oidc-identity": victim,
      "x-amzn-apigateway-api-id": "other",
      "x-amzn-requestid": "mine",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-user": victim,
      "x-forwarded-host": "127.0.0.1",
      "x-forwarded-proto": "http",
      forwarded: "for=127.0.0.1;host=localhost",
      "x-original-url": "/v1/health",
      "x-rewrite-url": "/v1/health",
      "x-http-method-override": "DELETE",
      "x-request-id": "mine",
    };

    const answer = await get("/v1/runs/run-1", { key, headers });

    expectProblem(answer, 404, "NOT_FOUND");
    expect(answer.text.replaceAll(answer.json.request_id, "")).toBe(plain.text.replaceAll(plain.json.request_id, ""));
    expect(answer.json.request_id).not.toBe("mine");
  });

  /** A request's head with a line more. */
  const head = (lines: readonly string[], path = "/v1/runs/run-1"): string => {
    const target = rawTarget(path);
    return [`GET ${target.path} HTTP/1.1`, `Host: ${target.host}`, ...lines, "Connection: close", "", ""].join("\r\n");
  };
  const statusOf = (answer: string): number => Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0);

  test.each<[string, () => string[]]>([
    ["the victim's key, then one's own", () => [`Authorization: Bearer ${victimKey}`, `Authorization: Bearer ${key}`]],
    ["one's own key, then the victim's", () => [`Authorization: Bearer ${key}`, `Authorization: Bearer ${victimKey}`]],
    ["the same key twice", () => [`Authorization: Bearer ${victimKey}`, `authorization: Bearer ${victimKey}`]],
    ["a key folded into another header", () => ["X-Note: a", ` Authorization: Bearer ${victimKey}`]],
    ["a key folded onto a key", () => [`Authorization: Bearer ${key}`, ` Bearer ${victimKey}`]],
    ["a blank before the colon", () => [`Authorization : Bearer ${victimKey}`]],
    ["a bare line's end before it", () => [`X-Note: a\nAuthorization : Bearer ${victimKey}`]],
    ["a NUL in it", () => [`Authorization: Bearer ${victimKey}\0`]],
    ["nothing but an underscore for a dash", () => [`X_Authorization: Bearer ${victimKey}`]],
  ])("of a credential is refused with %s", async (_what, lines) => {
    const answer = await sendRaw(head(lines()));

    expect([400, 401]).toContain(statusOf(answer));
    expect(answer).not.toContain(SECRET);
  });

  test.each<[string, string[]]>([
    ["a length and chunks", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
    ["chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 5"]],
    ["an unknown coding", ["Content-Length: 5", "Transfer-Encoding: xchunked"]],
    ["two codings", ["Content-Length: 5", "Transfer-Encoding: chunked, identity"]],
    ["a blank before the colon", ["Content-Length: 5", "Transfer-Encoding : chunked"]],
    ["a folded coding", ["Content-Length: 5", "Transfer-Encoding:", " chunked"]],
    ["two lengths", ["Content-Length: 5", "Content-Length: 50"]],
    ["a length with a sign", ["Content-Length: +5"]],
  ])("smuggles no second request past the authorizer: %s", async (_what, framing) => {
    const first = rawTarget("/v1/events");
    const second = rawTarget("/v1/runs/run-1");
    const request = [
      `POST ${first.path} HTTP/1.1`,
      `Host: ${first.host}`,
      `Authorization: Bearer ${key}`,
      "Content-Type: application/json",
      ...framing,
      "",
      "0",
      "",
      `GET ${second.path} HTTP/1.1`,
      `Host: ${second.host}`,
      "X-Note: a",
      "",
      "",
    ].join("\r\n");

    const answer = await sendRaw(request);
    const after = await get("/v1/runs/run-1", { key: victimKey });

    expect(answer).not.toContain(SECRET);
    for (const [, status] of answer.matchAll(/HTTP\/1\.[01] (\d{3})/g))
      expect(Number(status)).toBeGreaterThanOrEqual(400);
    expect([after.status, after.json.created_by]).toEqual([200, SECRET]);
  });
});
