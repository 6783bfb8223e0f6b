import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readEventLines } from "../shared/contract/event-list.ts";

/** How a run's events reach the service. */
export const DELIVERIES = ["one request", "arrivals of 5 s"] as const;
/** How the events of a run are sent. */
export type Delivery = (typeof DELIVERIES)[number];

/** A recorded run: its events as text, in requests. */
export interface SampleRun {
  readonly runId: string;
  readonly appId: string;
  readonly isFailed: boolean;
  readonly eventCount: number;
  readonly requests: Readonly<Record<Delivery, readonly (readonly string[])[]>>;
}

/** Runs of one kind and how they are sent. */
export interface Workload {
  readonly name: string;
  readonly runs: readonly SampleRun[];
  /** When its last event happened (milliseconds since 1970). */
  readonly endsAt: number;
  /** What recording a run is to cost: US dollars per million runs. */
  readonly targets: Readonly<Record<Delivery, number>> | undefined;
}

const REFERENCE = [
  { file: "t1.ndjson", name: "T1 chat", targets: { "one request": 5, "arrivals of 5 s": 6 } },
  { file: "t2.ndjson", name: "T2 agent", targets: { "one request": 11, "arrivals of 5 s": 38 } },
  { file: "t3.ndjson", name: "T3 retrieval", targets: { "one request": 11, "arrivals of 5 s": 23 } },
] as const;

const WINDOW_MS = 5000;

interface SampleEvent {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly at: number;
}

/** Events cut into windows of five seconds, counted from the run's first event; empty windows send nothing. */
const inArrivals = <E extends { readonly at: number }>(events: readonly E[]): E[][] => {
  const first = Math.min(...events.map(({ at }) => at));
  const windows = Map.groupBy(events, ({ at }) => Math.floor((at - first) / WINDOW_MS));
  return [...windows].sort(([a], [b]) => a - b).map(([, arrival]) => arrival);
};

const runOf = (runId: string, events: readonly SampleEvent[]): SampleRun => {
  const textsOf = (some: readonly SampleEvent[]) => some.map(({ text }) => text);
  const appId = events.find(({ value }) => value["app_id"] !== undefined)?.value["app_id"];
  return {
    runId,
    appId: typeof appId === "string" ? appId : "",
    isFailed: events.some(({ value }) => value["type"] === "run.finished" && value["status"] === "failed"),
    eventCount: events.length,
    requests: { "one request": [textsOf(events)], "arrivals of 5 s": inArrivals(events).map(textsOf) },
  };
};

const readWorkload = (path: string, named: Pick<Workload, "name" | "targets">): Workload => {
  const events = readEventLines(readFileSync(path, "utf8")).map(({ text, value }): SampleEvent => {
    const members = value as Readonly<Record<string, unknown>>;
    return { text, value: members, at: Date.parse(String(members["at"])) };
  });
  const byRun = Map.groupBy(events, ({ value }) => String(value["run_id"]));
  return {
    ...named,
    runs: [...byRun].map(([runId, own]) => runOf(runId, own)),
    endsAt: Math.max(...events.map(({ at }) => at)),
  };
};

/** The same run under another id. */
export const copyOf = (run: SampleRun, runId: string): SampleRun => {
  const renamed = (requests: readonly (readonly string[])[]) =>
    requests.map((events) => events.map((text) => text.replaceAll(run.runId, runId)));
  return {
    ...run,
    runId,
    requests: {
      "one request": renamed(run.requests["one request"]),
      "arrivals of 5 s": renamed(run.requests["arrivals of 5 s"]),
    },
  };
};

/**
 * The reference runs of a directory, and the names of those that it lacks. Where one is missing, the project's own
 * samples come too, without targets.
 */
export const readWorkloads = (from: {
  readonly referenceDirectory: string;
  readonly ownDirectory: string;
}): { readonly workloads: readonly Workload[]; readonly missing: readonly string[] } => {
  const filesOf = (directory: string): string[] => {
    try {
      return readdirSync(directory).filter((name) => name.endsWith(".ndjson"));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    }
  };
  const present = new Set(filesOf(from.referenceDirectory));
  const workloads = REFERENCE.filter(({ file }) => present.has(file)).map(({ file, ...named }) =>
    readWorkload(join(from.referenceDirectory, file), named),
  );
  const missing = REFERENCE.filter(({ file }) => !present.has(file)).map(({ file }) =>
    join(from.referenceDirectory, file),
  );
  const own = missing.length === 0 ? [] : filesOf(from.ownDirectory).sort();
  return {
    workloads: [
      ...workloads,
      ...own.map((file) =>
        readWorkload(join(from.ownDirectory, file), { name: basename(file, ".ndjson"), targets: undefined }),
      ),
    ],
    missing,
  };
};
