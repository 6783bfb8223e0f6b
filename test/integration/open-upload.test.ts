import { createHash } from "node:crypto";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type Service, startService } from "../support/service.ts";
import { sha256Of, uploadRequest } from "../support/uploads.ts";

const clock = manualClock();
const BYTES = Buffer.from("{}");
const MOST = 50 * 1024 * 1024;

let service: Service;
beforeAll(async () => {
  service = await startService(undefined, clock);
});
afterAll(() => service.stop());

const open = (body: string, scopes = "ingest") => service.post({ resource: "/v1/uploads", body, scopes });

describe("POST /v1/uploads", () => {
  test("answers with an id and the request that uploads it, within an hour", async () => {
    const { status, json } = await open(uploadRequest(BYTES));

    const sha256 = createHash("sha256").update(BYTES).digest("base64");
    expect([status, json]).toEqual([
      201,
      {
        id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
        method: "PUT",
        url: expect.stringContaining(`/2d/uploads/t-demo/${json.id}?`),
        headers: { "x-amz-checksum-sha256": sha256 },
        expires_at: new Date(clock.now() + 3_600_000).toISOString(),
      },
    ]);
  });

  test("gives each upload an id of its own", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await open(uploadRequest(BYTES))).json.id));

    expect(new Set(ids).size).toBe(20);
  });

  test.each([
    ["hex", sha256Of(BYTES)],
    ["hex in capitals", sha256Of(BYTES).toUpperCase()],
    ["base64", createHash("sha256").update(BYTES).digest("base64")],
    ["base64 without its end", createHash("sha256").update(BYTES).digest("base64").replace("=", "")],
  ])("takes the checksum as %s", async (_form, sha256) => {
    const { json } = await open(uploadRequest(BYTES, { sha256 }));

    expect(json.headers).toEqual({
      "x-amz-checksum-sha256": createHash("sha256").update(BYTES).digest("base64"),
    });
  });

  test("takes up to 50 MB", async () => {
    expect((await open(uploadRequest(BYTES, { size_bytes: MOST }))).status).toBe(201);
    expect((await open(uploadRequest(BYTES, { size_bytes: 1 }))).status).toBe(201);
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ["nothing", { app_id: undefined, size_bytes: undefined, sha256: undefined }, ["app_id", "sha256", "size_bytes"]],
    ["an app that is no id", { app_id: "a/b" }, ["app_id"]],
    ["a size above 50 MB", { size_bytes: MOST + 1 }, ["size_bytes"]],
    ["a size of nothing", { size_bytes: 0 }, ["size_bytes"]],
    ["a size that is negative", { size_bytes: -1 }, ["size_bytes"]],
    ["half a byte", { size_bytes: 1.5 }, ["size_bytes"]],
    ["a size as text", { size_bytes: "2" }, ["size_bytes"]],
    ["a checksum that is short", { sha256: "abc" }, ["sha256"]],
    ["a checksum of another kind", { sha256: "d41d8cd98f00b204e9800998ecf8427e" }, ["sha256"]],
    ["a checksum in bytes that are none", { sha256: `${"A".repeat(42)}B=` }, ["sha256"]],
    ["a member that is none of these", { content_type: "text/html" }, ["content_type"]],
    [
      "all of it at once",
      { app_id: 1, size_bytes: "x", sha256: null, more: 1 },
      ["app_id", "more", "sha256", "size_bytes"],
    ],
  ])("names every member that is wrong: %s", async (_what, wrong, paths) => {
    const reply = await open(uploadRequest(BYTES, wrong));

    expectProblem(reply, 400, "INVALID_REQUEST");
    expect(reply.json.errors.map(({ path }: { path: string }) => path).sort()).toEqual(paths);
    for (const { message } of reply.json.errors) expect(message).not.toBe("");
  });

  test.each(["", "x", "{"])("refuses what is not JSON: %j", async (body) => {
    expectProblem(await open(body), 400, "NOT_JSON");
  });

  test.each(["[]", "null", '"x"', "1"])("refuses what is no object: %s", async (body) => {
    expectProblem(await open(body), 400, "INVALID_REQUEST");
  });

  test("takes no parameters", async () => {
    const reply = await service.post({ resource: "/v1/uploads", body: uploadRequest(BYTES), query: { app_id: "a" } });

    expectProblem(reply, 400, "INVALID_REQUEST");
  });

  test("needs the scope to record", async () => {
    expectProblem(await open(uploadRequest(BYTES), "read payload control admin"), 403, "FORBIDDEN");
  });

  test("leaves nothing in the log but the request", async () => {
    const { json } = await open(uploadRequest(BYTES));

    const logged = JSON.stringify(service.logs);
    expect(logged).not.toContain(json.id);
    expect(logged).not.toContain("signature");
  });
});
