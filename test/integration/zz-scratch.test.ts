import { postEvents, startService } from "../support/service.ts";
import { eventText } from "../support/event-text.ts";
test("perf", async () => {
  const s = await startService();
  const ev: string[] = [eventText("run.started"), eventText("node.started", { node_execution_id: "it", node_id: "it", node_type: "iteration" })];
  for (let i = 0; i < 1500; i++) {
    ev.push(eventText("node.started", { node_execution_id: `lp-${i}`, node_id: "lp", node_type: "loop", iteration_id: "it", iteration_index: i, index: i * 4 + 1 }));
    for (let j = 0; j < 3; j++) ev.push(eventText("node.started", { node_execution_id: `n-${i}-${j}`, node_id: `n${j}`, iteration_id: "it", iteration_index: i, loop_id: "lp", loop_index: j, index: i * 4 + 2 + j }));
  }
  while (ev.length > 0) expect((await postEvents(s, ev.splice(0, 1000))).status).toBe(200);
  const a = Date.now();
  await s.get({ resource: "/v1/runs/{run_id}/nodes", path: { run_id: "run-1" } });
  const b = Date.now();
  const t = await s.get({ resource: "/v1/runs/{run_id}/trace", path: { run_id: "run-1" } });
  console.log("nodes", b - a, "trace", Date.now() - b, t.text.length);
  s.stop();
}, 100000);
