import { failedNodes, failureOf } from "../../shared/domain/failures/node-failures.ts";
import { attemptsOf } from "../../shared/domain/fold/attempts.ts";
import { latencyOf } from "../../shared/domain/statistics/latency-sketch.ts";
import { summaryOfRun } from "../../shared/domain/statistics/run-summary.ts";
import type { Summary } from "../../shared/domain/statistics/summary.ts";
import { userOf } from "../../shared/domain/statistics/user-sketch.ts";
import { claimed, lost, run, type Saying, type Sent, sent } from "../support/builders.ts";
import { json } from "../support/event-text.ts";

const start = sent("run.started", {
  app_id: "shop",
  triggered_from: "webhook",
  workflow_version: "v7",
  created_by: "ada",
});
const finish = sent("run.finished", { at: 2 });

const summaryOf = (...events: readonly Sent[]): Summary | undefined => {
  const state = run(...events);
  return summaryOfRun(
    state,
    failedNodes(state).map((failed) => failureOf(failed)),
  );
};

const node = (id: string, saying: Saying = {}): Sent =>
  sent("node.finished", { at: 1, node_execution_id: id, node_id: `node-${id}`, ...saying });
const costing = (total_price: unknown, more: Saying = {}) =>
  ({ execution_metadata: { total_price, currency: "USD", ...more } }) as Saying;
const pricesOf = (...events: readonly Sent[]) => Object.fromEntries(summaryOf(start, ...events, finish)?.prices ?? []);

describe("what a run adds to statistics", () => {
  it("is nothing until it has ended", () => {
    expect(summaryOf(start)).toBeUndefined();
    expect(summaryOf(start, sent("run.paused", { at: 1 }))).toBeUndefined();
    expect(summaryOf(start, finish, claimed(2, 3))).toBeUndefined();
  });

  it("is one run, of its status, trigger, version, user and time", () => {
    expect(summaryOf(start, sent("run.finished", { at: 2.5, status: "partial-succeeded", total_tokens: 77 }))).toEqual({
      runs: new Map([["partial-succeeded", 1]]),
      tokens: 77n,
      prices: new Map(),
      latency: latencyOf(2500),
      users: userOf("ada"),
      triggers: new Map([["webhook", 1]]),
      versions: new Map([["v7", 1]]),
      failures: new Map(),
    });
  });

  it("is less where less is known", () => {
    expect(summaryOf(sent("run.finished", { status: "failed" }))).toEqual({
      runs: new Map([["failed", 1]]),
      tokens: 0n,
      prices: new Map(),
      latency: { count: 0, sumMs: 0n, minMs: 0, maxMs: 0, buckets: new Map() },
      users: new Map(),
      triggers: new Map(),
      versions: new Map(),
      failures: new Map(),
    });
  });

  it("tells neither run nor user, and nothing of payload", () => {
    const summary = summaryOf(start, node("1", { outputs: "secret" }), finish);

    expect(JSON.stringify([...(summary?.users ?? [])])).not.toContain("ada");
    const text = JSON.stringify(summary, (_, value) =>
      value instanceof Map ? [...value] : typeof value === "bigint" ? String(value) : value,
    );
    for (const told of ["ada", "run-1", "secret"]) expect(text).not.toContain(told);
  });

  it.each([
    [0, 0],
    [0.0004, 0],
    [0.0006, 1],
    [1.2345, 1235],
    [1e300, 1e13],
  ])("takes an elapsed time of %d s for %d ms", (elapsed_time, ms) => {
    expect(summaryOf(start, sent("run.finished", { at: 2, elapsed_time }))?.latency).toEqual(latencyOf(ms));
  });
});

describe("the price of a run", () => {
  it("is the sum of its nodes', exactly, whether they come as text or number", () => {
    const prices = pricesOf(
      node("1", costing("0.1000000")),
      node("2", costing(json("0.2"))),
      node("3", costing(json("1e-7"))),
      node("4", costing("0E-7")),
    );

    expect(prices).toEqual({ USD: "0.3000001" });
  });

  it("is kept by currency; an amount without one is of none", () => {
    const prices = pricesOf(
      node("1", costing("1", { currency: "EUR" })),
      node("2", costing("2", { currency: "eur" })),
      node("3", costing("3", { currency: null })),
      node("4", costing("4", { currency: "no such currency, and long" })),
      node("5", { execution_metadata: { total_price: "5" } }),
    );

    expect(prices).toEqual({ EUR: "3", XXX: "12" });
  });

  it.each(["free", "", "1,50", json("null"), json("true"), json('{"a":1}'), "1e400", "9".repeat(31)])(
    "leaves out what is no amount: %j",
    (total_price) => {
      expect(pricesOf(node("1", costing(total_price)), node("2", costing("1")))).toEqual({ USD: "1" });
    },
  );

  it("counts each try of a node, the failed ones too", () => {
    const retry = (retry_index: number, price: string) =>
      sent("node.retried", { at: 0.5, node_execution_id: "1", retry_index, ...costing(price) });

    expect(pricesOf(retry(1, "0.1"), retry(2, "0.2"), node("1", costing("0.4")))).toEqual({ USD: "0.7" });
  });

  it("is a container's own only where nothing in it has one", () => {
    const inside = { iteration_id: "node-loop", iteration_index: 0 };
    const container = (id: string, price: string) => node(id, { node_type: "iteration", ...costing(price) });

    expect(pricesOf(container("loop", "3"), node("a", { ...inside, ...costing("1") }), node("b", inside))).toEqual({
      USD: "1",
    });
    expect(pricesOf(container("loop", "3"), node("a", inside))).toEqual({ USD: "3" });
  });

  it("is what a node says at its start where no try says anything", () => {
    const events = [sent("node.started", { node_execution_id: "1", ...costing("0.5") }), node("1")];

    expect(attemptsOf(run(start, ...events, finish).nodes[0] ?? never()).map(({ metadata }) => metadata)).toEqual([
      null,
    ]);
    expect(pricesOf(...events)).toEqual({ USD: "0.5" });
  });

  it("keeps up to 50 currencies of one run apart, and never adds them up", () => {
    const currencies = Array.from({ length: 55 }, (_, index) => `C${10 + index}`);
    const prices = pricesOf(
      ...currencies.map((currency) => node(currency, costing("1", { currency }))),
      node("none", costing("3", { currency: null })),
    );

    expect(prices).toEqual({ ...Object.fromEntries(currencies.slice(0, 50).map((name) => [name, "1"])), XXX: "3" });
  });
});

const never = (): never => {
  throw new Error("expected a node");
};

describe("the tokens of a run", () => {
  const tokens = (total_tokens: unknown): Saying => ({ execution_metadata: { total_tokens } }) as Saying;

  it("are what its end says", () => {
    expect(summaryOf(start, node("1", tokens(5)), sent("run.finished", { at: 2, total_tokens: 7 }))?.tokens).toBe(7n);
    expect(summaryOf(start, node("1", tokens(5)), sent("run.finished", { at: 2, total_tokens: 0 }))?.tokens).toBe(0n);
  });

  it("else are the sum of its nodes'", () => {
    expect(
      summaryOf(start, node("1", tokens(5)), node("2", tokens("6")), node("3", tokens("many")), finish)?.tokens,
    ).toBe(11n);
  });
});

describe("the failures of a run", () => {
  const failed = (id: string, error: string, node_id = "llm") => node(id, { node_id, status: "failed", error });

  it("are counted by node and kind of error", () => {
    const { failures } =
      summaryOf(
        start,
        failed("1", "no answer after 30 s"),
        failed("2", "no answer after 31 s"),
        failed("3", "no answer after 31 s", "tool"),
        failed("4", "refused"),
        node("5"),
        finish,
      ) ?? never();

    expect([...failures.values()].sort()).toEqual([1, 1, 2]);
    expect([...failures.keys()].map((name) => name.split("\n")[0]).sort()).toEqual(["llm", "llm", "tool"]);
  });

  it("are of the nodes at work where it was lost", () => {
    const open = (id: string) => sent("node.started", { node_execution_id: id, node_id: "llm", at: 1 });
    const { failures } = summaryOf(start, open("1"), open("2"), node("3"), lost(9)) ?? never();

    expect([...failures].map(([name, count]) => [name.split("\n")[0], count])).toEqual([["llm", 2]]);
  });

  it("of many kinds are few, and the rest together", () => {
    const many = Array.from({ length: 25 }, (_, index) => failed(`${index}`, "refused", `node-${index}`));

    expect([...(summaryOf(start, ...many, finish)?.failures ?? [])].map(([, count]) => count)).toEqual([
      ...Array.from({ length: 20 }, () => 1),
      5,
    ]);
  });
});
