import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readFailedBatch } from "../../shared/lambda/failed-batch.ts";

const sample = readFileSync(join(__dirname, "../../events/failed-batch/retries-exhausted.json"), "utf8");
const withPayload = (payload: unknown): string => JSON.stringify({ ...JSON.parse(sample), payload });

describe("the object of a batch that Lambda has given up", () => {
  it("gives the event that the function was called with", () => {
    expect(readFailedBatch(sample)).toEqual({ ok: true, event: JSON.parse(JSON.parse(sample).payload) });
  });

  it.each([
    ["is not JSON", "{", "the object: expected JSON"],
    ["is not an object", "[]", "payload: expected"],
    ["is metadata only", withPayload(undefined), "payload: expected"],
    ["holds a payload that is not text", withPayload({ Records: [] }), "payload: expected string"],
    ["holds a payload that is not JSON", withPayload('{"Records":[{"secret'), "payload: expected JSON"],
    ["holds a payload without records", withPayload('{"secret":1}'), "payload.Records: expected"],
    ["holds a record that is no object", withPayload('{"Records":["secret"]}'), "payload.Records.0: expected Object"],
  ])("is refused where it %s, and the reason quotes nothing", (_what, text, reason) => {
    const reading = readFailedBatch(text);

    expect(reading).toEqual({ ok: false, reason: expect.stringContaining(reason) });
    expect(JSON.stringify(reading)).not.toContain("secret");
  });
});
