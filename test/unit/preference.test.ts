import type { APIGatewayProxyEvent } from "aws-lambda";
import { hasPreference } from "../../shared/lambda/preference.ts";
import { requestOf } from "../../shared/lambda/request.ts";

const requestWith = (headers: Readonly<Record<string, readonly string[]>>) =>
  requestOf({
    httpMethod: "POST",
    resource: "/v1/events",
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: headers,
    requestContext: { requestId: "r" },
  } as unknown as APIGatewayProxyEvent);

const isAsync = (...values: readonly string[]): boolean =>
  hasPreference(requestWith({ Prefer: values }), "respond-async");

describe("the preference respond-async", () => {
  it.each([
    "respond-async",
    "Respond-Async",
    "  respond-async  ",
    "respond-async, wait=10",
    "wait=10,respond-async",
    "return=minimal; foo=bar, respond-async; x",
    ", ,respond-async,",
    "respond-async;",
    'respond-async=""',
    "respond-async =",
    'foo="a, b; \\" c", respond-async',
    'foo; x="y,z", respond-async',
  ])("is stated by %j", (value) => {
    expect(isAsync(value)).toBe(true);
  });

  it.each([
    "",
    ",",
    "wait=10",
    "respond-sync",
    "respond-asynchronously",
    "x-respond-async",
    "respond async",
    "foo=respond-async",
    'foo="respond-async"',
    'foo="a, respond-async, b"',
    'foo="never closed, respond-async',
    "foo; respond-async",
    "respond-async=no",
    '"respond-async"',
    "respond-async=no, respond-async",
  ])("is not stated by %j", (value) => {
    expect(isAsync(value)).toBe(false);
  });

  it("is found in any of several headers, whatever their letters", () => {
    expect(isAsync("wait=10", "respond-async")).toBe(true);
    expect(isAsync("respond-async", "wait=10")).toBe(true);
    expect(hasPreference(requestWith({ PREFER: ["respond-async"] }), "respond-async")).toBe(true);
    expect(hasPreference(requestWith({}), "respond-async")).toBe(false);
  });

  it("takes no time to speak of to find in a long header", () => {
    for (const value of ['"'.repeat(10_000), '\\"'.repeat(5000), `"${'\\"'.repeat(5000)}`, " ;".repeat(5000)]) {
      const before = performance.now();
      expect(isAsync(value)).toBe(false);
      expect(performance.now() - before).toBeLessThan(500);
    }
  });
});
