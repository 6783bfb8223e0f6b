import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayProxyEvent, Context } from "aws-lambda";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import { httpFunction } from "../../shared/lambda/http-function.ts";
import { manualClock } from "../support/manual-clock.ts";

const sample = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, `../../events/api-gateway/${name}.json`), "utf8")) as APIGatewayProxyEvent;
const EVENT = sample("get-run");
const HEALTH = sample("health-no-authorizer");

const clock = manualClock("2026-11-22T12:00:00.000Z");
const answer = async () => jsonAnswer({ ok: true });
const serve = httpFunction(
  new Map([
    ["GET /v1/runs/{run_id}", answer],
    ["GET /v1/health", answer],
  ]),
  { log: () => undefined, now: clock.now },
);

const ask = (context: Record<string, unknown>, event = EVENT) =>
  serve({ ...event, requestContext: { ...event.requestContext, authorizer: context } }, {} as Context);
const withExpiry = (expires_at: unknown) => ask({ tenant_id: "acme", scopes: "read", expires_at });

describe("a credential that the gateway remembers as good", () => {
  test("is good until it expires, to the millisecond", async () => {
    expect((await withExpiry(String(clock.now() + 1))).statusCode).toBe(200);

    const expired = await withExpiry(String(clock.now()));

    expect(expired.statusCode).toBe(401);
    expect(expired.headers).toMatchObject({
      "content-type": "application/problem+json",
      "www-authenticate": "Bearer",
    });
    expect(JSON.parse(expired.body)).toMatchObject({ code: "UNAUTHORIZED", detail: "the credential has expired" });
  });

  test("is good where it does not expire", async () => {
    expect((await ask({ tenant_id: "acme", scopes: "read" })).statusCode).toBe(200);
  });

  test.each(["", "never", "-1", "1e99", "12.5", " 1795341600000", "9".repeat(17), 5, {}, null])(
    "is refused where its expiry is no time: %j",
    async (expires_at) => {
      expect((await withExpiry(expires_at)).statusCode).toBe(401);
    },
  );

  test("that has expired is told so, not that it lacks a scope", async () => {
    expect((await ask({ tenant_id: "acme", scopes: "", expires_at: "1" })).statusCode).toBe(401);
  });

  test("is not looked at where none is needed", async () => {
    expect((await ask({ tenant_id: "acme", scopes: "", expires_at: "1" }, HEALTH)).statusCode).toBe(200);
  });
});
