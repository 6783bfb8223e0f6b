import type { EventType } from "../../shared/contract/event-fields.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import type { Arrival, IdentifiedEvent } from "../../shared/domain/fold/ledger.ts";
import { arrivalOf, claimed, lost, readText, type Saying, ZERO } from "./builders.ts";
import { eventText, json } from "./event-text.ts";
import { runKey } from "./service.ts";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export const randomNumbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** An arrival of a run; a claim opens its epoch. */
export interface Delivery {
  readonly run: RunKey;
  readonly arrival: Arrival;
  readonly claimedEpoch?: number;
}

/** The apps of {@link randomRuns}: the same id of two tenants is two apps. */
export const RANDOM_APPS: readonly { readonly tenant: string; readonly app: string }[] = [
  { tenant: "demo", app: "shop" },
  { tenant: "demo", app: "desk" },
  { tenant: "demo", app: "zoo" },
  { tenant: "acme", app: "shop" },
];

/** What one run says; all times are seconds after its start. */
class RandomRun {
  readonly deliveries: Delivery[] = [];
  readonly key: RunKey;
  readonly app: string;
  /** When it ends. */
  readonly end: number;
  private readonly begin: number;
  private readonly random: () => number;
  private readonly origin: Saying;

  constructor(random: () => number, index: number, hours: number) {
    this.random = random;
    const { tenant, app } = this.one(RANDOM_APPS);
    this.key = runKey(tenant, `${app}-${index}`);
    this.app = app;
    this.begin = -this.whole(hours * 3600);
    this.end = this.one([0.5, 7, 7, 60, 400, 3000, 9000]);
    this.origin = {
      app_id: app,
      triggered_from: this.one(["webhook", "schedule", "app-run", "debugging"]),
      workflow_version: this.one(["v1", "v2", "v3", `long ${"version ".repeat(20)}`, "v5"]),
      ...(this.whole(10) === 0 ? {} : { created_by: `user-${this.whole(400)}` }),
    };
  }

  whole(below: number): number {
    return Math.floor(this.random() * below);
  }

  one<Value>(values: readonly Value[]): Value {
    return values[this.whole(values.length)] as Value;
  }

  event(type: EventType, at: number, saying: Saying = {}): IdentifiedEvent {
    const moment = new Date(ZERO + (this.begin + at) * 1000).toISOString();
    return readText(eventText(type, { run_id: this.key.runId, ...saying, at: moment }));
  }

  deliver(receivedAt: number, ...events: readonly IdentifiedEvent[]): void {
    const arrival = arrivalOf(events, { receivedAt: this.begin + receivedAt });
    this.deliveries.push({ run: this.key, arrival });
  }

  start(at = 0, saying: Saying = {}): IdentifiedEvent {
    return this.event("run.started", at, { ...this.origin, ...saying });
  }

  finish(at: number, saying: Saying = {}): IdentifiedEvent {
    return this.event("run.finished", at, {
      app_id: this.app,
      status: this.one(["succeeded", "succeeded", "succeeded", "failed", "stopped", "partial-succeeded"]),
      ...(this.whole(2) === 0 ? { total_tokens: this.whole(9000) } : {}),
      ...(this.whole(3) === 0 ? { elapsed_time: this.random() * 100 } : {}),
      ...saying,
    });
  }

  node(at: number, saying: Saying = {}): IdentifiedEvent {
    const node = `node-${this.whole(5)}`;
    const error = this.one([
      '"no answer after 30 s"',
      '"no answer after 31 s"',
      '{"code":"RATE_LIMIT","message":"request req_8f3a11c0d2 of 14 was refused"}',
      `"${"long error ".repeat(150)}"`,
    ]);
    const cost = {
      total_price: this.one(["0.0012345", json("0.2"), json("1e-7"), "0E-7", "12345678901234567890.5"]),
      currency: this.one(["USD", "USD", "EUR", "JPY"]),
      total_tokens: this.whole(5000),
    };
    return this.event("node.finished", at, {
      node_execution_id: `${node}-${this.whole(3)}`,
      node_id: node,
      ...(this.whole(6) === 0 ? { status: "failed", error: json(error) } : {}),
      ...(this.whole(2) === 0 ? { execution_metadata: cost } : {}),
      ...saying,
    });
  }

  nodes(at: number): IdentifiedEvent[] {
    return Array.from({ length: this.whole(4) }, () => this.node(at));
  }

  /** A start, then nodes and an end. */
  live(): void {
    this.deliver(0, this.start());
    this.deliver(this.end, ...this.nodes(0.1), this.finish(this.end));
  }

  claim(at: number): void {
    const { event } = claimed(2, this.begin + at);
    const arrival = arrivalOf([{ ...event, runId: this.key.runId }], {
      actor: "caller",
      receivedAt: this.begin + at,
    });
    this.deliveries.push({ run: this.key, arrival, claimedEpoch: 2 });
  }

  /** The service gives the run up. */
  lose(at: number): void {
    const { event } = lost(this.begin + at, { run_id: this.key.runId });
    const arrival = arrivalOf([event], { actor: "service", receivedAt: this.begin + at });
    this.deliveries.push({ run: this.key, arrival: { ...arrival, source: "runstone" } });
  }
}

/** What becomes of runs. Most are plain. */
const LIVES: Readonly<Record<string, (run: RandomRun) => void>> = {
  plain: (run) => run.live(),
  again: (run) => run.live(),
  once: (run) => run.live(),
  "in one request": (run) => run.deliver(run.end, run.start(), ...run.nodes(0.1), run.finish(run.end)),
  "never ended": (run) => {
    run.deliver(0, run.start());
    run.deliver(1, ...run.nodes(0.1), run.event("run.heartbeat", 1));
  },
  // Until its start comes a run is counted where its first event was received.
  "start last": (run) => {
    run.deliver(run.end, ...run.nodes(0.1), run.finish(run.end));
    run.deliver(run.end + 2000, run.start());
  },
  "start corrected, perhaps with another app": (run) => {
    run.live();
    run.deliver(run.end + 30, run.start(-run.one([1, 800, 5000]), { app_id: run.one(["shop", "desk"]) }));
  },
  "end corrected": (run) => {
    run.live();
    run.deliver(run.end + 5, run.finish(run.end - 0.4, { id: "earlier" }));
    run.deliver(run.end + 6, run.finish(run.end + 60, { id: "later", status: "failed" }), run.start());
  },
  "nodes after the end": (run) => {
    run.live();
    run.deliver(run.end + 3, run.node(run.end - 0.1));
    run.deliver(run.end + 4000, run.node(run.end - 0.1), run.node(run.end - 0.2));
  },
  "a node after the end that names another app": (run) => {
    run.live();
    run.deliver(run.end + 1, run.event("run.paused", run.end / 2));
    run.deliver(run.end + 6000, run.node(run.end, { app_id: "aaa" }));
  },
  "repeated with more": (run) => {
    const end = run.finish(run.end);
    run.deliver(0, run.start());
    run.deliver(run.end, ...run.nodes(0.1), end);
    run.deliver(run.end + 5000, end, run.node(run.end));
  },
  "given up, then over after all": (run) => {
    const open = { node_execution_id: "open", node_id: "open" };
    run.deliver(0, run.start(), run.event("node.started", 0.2, open));
    run.lose(run.end + 9);
    if (run.whole(4) > 0) run.deliver(run.end + 1000, ...run.nodes(0.1), run.finish(run.end + 900));
  },
  resumed: (run) => {
    run.live();
    run.claim(run.end + 10);
    if (run.whole(3) === 0) return;
    const again = { epoch: 2 };
    run.deliver(run.end + 90, run.node(run.end + 80, again), run.finish(run.end + 90, again));
  },
};

/**
 * The deliveries of so many runs that begin within so many hours before {@link ZERO}, in the order of receipt: of all
 * outcomes and fates.
 */
export const randomRuns = (random: () => number, of: { readonly runs: number; readonly hours: number }): Delivery[] => {
  const lives = Object.values(LIVES);
  const deliveries = Array.from({ length: of.runs }, (_, index) => {
    const run = new RandomRun(random, index, of.hours);
    lives[index % lives.length]?.(run);
    return run.deliveries;
  });
  return deliveries.flat().sort((a, b) => (a.arrival.ulid < b.arrival.ulid ? -1 : 1));
};
