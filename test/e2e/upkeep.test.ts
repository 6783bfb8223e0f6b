import { eventText } from "../support/event-text.ts";
import { get, postEvents } from "./support/api.ts";
import { askService } from "./support/aws-clients.ts";
import { deployment } from "./support/deployment.ts";
import { eventually } from "./support/eventually.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

afterAll(revokeKeys);

/** Has the upkeep go on at once, as its schedule does every five minutes; throws what it throws. */
const tick = async (): Promise<void> => {
  const path = `/2015-03-31/functions/${deployment().functions.reap}/invocations`;
  const answer = await askService({ service: "lambda", method: "POST", path, body: {} });
  if (answer !== null && answer !== undefined) throw new Error(`the upkeep failed: ${JSON.stringify(answer)}`);
};

test("a run that went silent is closed by the upkeep, and its engine has the last word", async () => {
  const key = await newKey(newTenant("upkeep"));
  await postEvents(key, [eventText("run.started", { run_id: "silent", idle_timeout: 1 })]);
  const lost = await eventually("the run is closed", async () => {
    await tick();
    const run = await get("/v1/runs/silent", { key });
    return run.json.status === "failed" ? run : undefined;
  });
  expect(lost.json).toMatchObject({ error: { code: "RUN_LOST" } });

  await postEvents(key, [eventText("run.finished", { run_id: "silent" })]);

  expect((await get("/v1/runs/silent", { key })).json.status).toBe("succeeded");
});
