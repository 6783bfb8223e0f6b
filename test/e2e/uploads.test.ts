import { createHash, randomBytes } from "node:crypto";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents } from "./support/api.ts";
import { testNeeding } from "./support/needs.ts";
import { sendMessage } from "./support/queue.ts";
import { quarantineHolds, runReaches } from "./support/runs.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

const MB = 1024 * 1024;
const JSON_TYPE = { "content-type": "application/json" };

let one: TenantId;
let oneKey: string;
let otherKey: string;
beforeAll(async () => {
  one = newTenant("uploads");
  [oneKey, otherKey] = await Promise.all([newKey(one), newKey(newTenant("uploads"))]);
});
afterAll(() => revokeKeys());

const open = (key: string, bytes: Uint8Array, more: object = {}): Promise<Answer> => {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const body = JSON.stringify({ app_id: "app-1", size_bytes: bytes.length, sha256, ...more });
  return ask("POST", "/v1/uploads", { key, headers: JSON_TYPE, body });
};

interface Link {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

const put = async ({ url, method, headers }: Link, bytes: Uint8Array): Promise<number> =>
  (await fetch(url, { method, headers, body: new Uint8Array(bytes) })).status;

const downloaded = async (url: string): Promise<Buffer> => {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
};

const refTo = (id: string) => ({ $ref: `upload:${id}` });
const started = (run_id: string, inputs: ReturnType<typeof refTo>) => eventText("run.started", { run_id, inputs });

/** An upload that is there. */
const uploaded = async (bytes: Uint8Array): Promise<string> => {
  const { status, json: link } = await open(oneKey, bytes);
  expect([status, await put(link, bytes)]).toEqual([201, 200]);
  return link.id;
};

test("3 MB are uploaded by a link, referred to, and read back by a link, byte for byte", async () => {
  const bytes = randomBytes(3 * MB);
  const id = await uploaded(bytes);

  expect((await postEvents(oneKey, [started("large", refTo(id))])).status).toBe(200);
  const { inputs } = (await get("/v1/runs/large", { key: oneKey })).json;

  expect(inputs).toMatchObject({ $ref: "download", size: bytes.length, upload_id: id });
  expect((await downloaded(inputs.url)).equals(bytes)).toBe(true);
}, 30_000);

test("an event that comes by queue refers to one too", async () => {
  const bytes = randomBytes(MB);
  const id = await uploaded(bytes);

  await sendMessage(one, ofTenant(one, started("queued", refTo(id))));
  const { inputs } = (await runReaches(oneKey, "queued", "running")).json;

  expect((await downloaded(inputs.url)).equals(bytes)).toBe(true);
}, 60_000);

test("a value of 2 MB in an event is read by a link that fetch unpacks, one of 0.9 MB as it is", async () => {
  const large = `{ "n":1.0, "x":"${"x".repeat(2 * MB)}"}`;
  const small = "x".repeat(Math.floor(0.9 * MB));
  const event = eventText("run.started", { run_id: "inline", inputs: json(large), custom: small });

  expect((await postEvents(oneKey, [event])).status).toBe(200);
  const { inputs, custom } = (await get("/v1/runs/inline", { key: oneKey })).json;

  expect([inputs.size, inputs.content_encoding, custom]).toEqual([Buffer.byteLength(large), "gzip", small]);
  expect((await downloaded(inputs.url)).toString()).toBe(large);
}, 30_000);

test("a reference to nothing, and to another tenant's upload, are rejected alike", async () => {
  const bytes = randomBytes(100);
  const theirs = await open(otherKey, bytes);
  expect(await put(theirs.json, bytes)).toBe(200);

  const answers = await Promise.all(
    [theirs.json.id, "01ARZ3NDEKTSV4RRFFQ69G5FAV"].map((id) =>
      postEvents(oneKey, [eventText("run.started", { id: "e1", run_id: "none", inputs: refTo(id) })]),
    ),
  );

  for (const answer of answers) expectProblem(answer, 400, "ALL_REJECTED");
  expect(answers[0]?.json.results).toEqual(answers[1]?.json.results);
  expect(answers[0]?.json.results).toMatchObject([{ code: "UPLOAD_NOT_FOUND", errors: [{ path: "inputs" }] }]);
});

test("a reference to nothing that comes by queue waits in quarantine", async () => {
  await sendMessage(one, ofTenant(one, started("nowhere", refTo("01ARZ3NDEKTSV4RRFFQ69G5FAV"))));

  const { data } = (await quarantineHolds(oneKey, 1)).json;

  expect(data).toMatchObject([{ code: "UPLOAD_NOT_FOUND", run_id: "nowhere" }]);
}, 60_000);

test("a link takes other bytes than were announced under no name", async () => {
  const bytes = randomBytes(1000);
  const { json: link } = await open(oneKey, bytes);

  expect(await put(link, randomBytes(1000))).toBe(400);

  const { json: rejected } = await postEvents(oneKey, [started("damaged", refTo(link.id))]);
  expect(rejected.results).toMatchObject([{ code: "UPLOAD_NOT_FOUND" }]);
});

testNeeding("signaturesOfLinks", "a link holds for its object, its length and its checksum alone", async () => {
  const bytes = randomBytes(1000);
  const { json: link } = await open(oneKey, bytes);
  const { json: other } = await open(oneKey, bytes);
  const others = createHash("sha256").update("other").digest("base64");

  expect(await put({ ...link, url: link.url.replace(link.id, other.id) }, bytes)).toBe(403);
  expect(await put(link, bytes.subarray(1))).toBe(403);
  expect(await put({ ...link, headers: {} }, bytes)).toBe(403);
  expect(await put({ ...link, headers: { "x-amz-checksum-sha256": others } }, Buffer.from("other"))).toBe(403);
  expect(await put({ ...link, method: "DELETE" }, bytes)).toBe(403);
  expect(await put(link, bytes)).toBe(200);
});

test("an upload above 50 MB is refused before it begins, with every reason", async () => {
  const refused = await open(oneKey, Buffer.from("{}"), { size_bytes: 50 * MB + 1, sha256: "x", more: 1 });

  expectProblem(refused, 400, "INVALID_REQUEST");
  expect(refused.json.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
    "more",
    "sha256",
    "size_bytes",
  ]);
});
