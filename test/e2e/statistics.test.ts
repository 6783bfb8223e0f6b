import { eventText } from "../support/event-text.ts";
import { get, postEvents } from "./support/api.ts";
import { eventually } from "./support/eventually.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

afterAll(revokeKeys);

test("runs are counted as they end, with what failed in them", async () => {
  const key = await newKey(newTenant("statistics"));
  const at = new Date().toISOString();
  const recordRun = (run_id: string, status: string, error?: string) => {
    const node = { run_id, at, node_id: "llm", status: error === undefined ? "succeeded" : "failed", error };
    return postEvents(key, [
      eventText("run.started", { run_id, app_id: "shop", at, triggered_from: "webhook", created_by: run_id }),
      eventText("node.finished", { ...node, execution_metadata: { total_price: "0.1", currency: "USD" } }),
      eventText("run.finished", { run_id, app_id: "shop", at, status, total_tokens: 7 }),
    ]);
  };
  await recordRun("good", "succeeded");
  await recordRun("bad", "failed", "no answer after 30 s");

  const total = await eventually("both runs are counted", async () => {
    const { json } = await get("/v1/apps/shop/statistics?interval=hour", { key });
    return json.total.runs.total === 2 ? json.total : undefined;
  });

  expect(total).toMatchObject({
    runs: { succeeded: 1, failed: 1 },
    distinct_users: 2,
    total_tokens: 14,
    price: { USD: "0.2" },
    by_trigger: { webhook: 2 },
    failures: [{ node_id: "llm", count: 1 }],
  });
});
