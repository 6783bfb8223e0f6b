import { randomUUID } from "node:crypto";
import { type MeteredService, type Query, startMeteredService } from "./metered-service.ts";
import { billOf } from "./prices.ts";
import { copyOf, DELIVERIES, type Delivery, type SampleRun, type Workload } from "./workloads.ts";

/** What reading costs, a request. */
export interface ReadPrice {
  readonly question: string;
  readonly requests: number;
  readonly readUnits: { readonly average: number; readonly most: number };
  readonly gets: { readonly average: number; readonly most: number };
  readonly dollarsPerMillion: number;
  /** Read units; undefined where the design names none. */
  readonly target: number | undefined;
  readonly isMet: boolean | undefined;
}

/** More than a page of a list. */
const LISTED_RUNS = 30;
const PAGE = 20;
const TRACE_TARGETS: Readonly<Record<Delivery, number>> = { "one request": 3, "arrivals of 5 s": 6 };

const measure = async (
  service: MeteredService,
  question: string,
  of: { readonly queries: readonly Query[]; readonly target?: number; readonly orGets?: number },
): Promise<ReadPrice> => {
  const bills: ReturnType<typeof billOf>[] = [];
  for (const query of of.queries) bills.push(billOf((await service.get(query)).charges));
  const spread = (numbers: readonly number[]) => ({
    average: numbers.reduce((sum, number) => sum + number, 0) / numbers.length,
    most: Math.max(...numbers),
  });
  const readUnits = spread(bills.map((bill) => bill.readUnits));
  const gets = spread(bills.map((bill) => bill.gets));
  const { target, orGets = 0 } = of;
  return {
    question,
    requests: bills.length,
    readUnits,
    gets,
    dollarsPerMillion: spread(bills.map((bill) => bill.dollarsPerMillion)).average,
    target,
    isMet: target === undefined ? undefined : readUnits.most <= target && gets.most <= orGets,
  };
};

const recordCopies = async (service: MeteredService, runs: readonly SampleRun[]): Promise<void> => {
  for (let count = 0; count < LISTED_RUNS; count++) {
    const run = runs[count % runs.length] as SampleRun;
    await service.record(copyOf(run, randomUUID()), "one request");
  }
};

const listPrice = async (
  endpoint: string,
  of: { readonly workload: Workload; readonly isFailed: boolean; readonly target: number },
): Promise<ReadPrice[]> => {
  const { workload, isFailed, target } = of;
  const appId = workload.runs[0]?.appId ?? "";
  const runs = workload.runs.filter((run) => run.appId === appId && (!isFailed || run.isFailed));
  if (runs.length === 0) return [];
  const service = await startMeteredService(endpoint, { startsAt: workload.endsAt });
  try {
    await recordCopies(service, runs);
    const query = { limit: String(PAGE), ...(isFailed ? { status: "failed" } : {}) };
    const queries = [{ resource: "/v1/apps/{app_id}/runs", path: { app_id: appId }, query }];
    const question = `list of ${PAGE} ${isFailed ? "failed " : ""}runs (${workload.name})`;
    return [await measure(service, question, { queries, target })];
  } finally {
    service.stop();
  }
};

const nodesOf = (trace: string): string[] => {
  const { nodes } = JSON.parse(trace) as { nodes: readonly { node_execution_id: string }[] };
  return nodes.map((node) => node.node_execution_id);
};

const runPrices = async (endpoint: string, workload: Workload, delivery: Delivery): Promise<ReadPrice[]> => {
  const service = await startMeteredService(endpoint, { startsAt: workload.endsAt });
  try {
    for (const run of workload.runs) await service.record(run, delivery);
    const paths = workload.runs.map(({ runId }) => ({ run_id: runId }));
    const traces = paths.map((path) => ({ resource: "/v1/runs/{run_id}/trace", path }));
    const nodes: Query[] = [];
    for (const trace of traces) {
      for (const id of nodesOf((await service.get(trace)).body)) {
        const path = { ...trace.path, node_execution_id: id };
        nodes.push({ resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", path });
      }
    }
    const named = (what: string) => `${what}, ${workload.name} in ${delivery}`;
    const target = TRACE_TARGETS[delivery];
    return [
      await measure(service, named("run and trace"), { queries: traces, target }),
      await measure(service, named("run with payload"), {
        queries: paths.map((path) => ({ resource: "/v1/runs/{run_id}", path })),
      }),
      await measure(service, named("one node's payload"), { queries: nodes, target, orGets: 1 }),
    ];
  } finally {
    service.stop();
  }
};

/** What the usual questions cost: lists of the first workload, one run of the second (of the only one, if there is no other). */
export const readPrices = async (endpoint: string, workloads: readonly Workload[]): Promise<ReadPrice[]> => {
  const [listed] = workloads as [Workload, ...Workload[]];
  const failing = workloads.find(({ runs }) => runs.some(({ isFailed }) => isFailed));
  const shown = workloads.find(({ name }) => name.startsWith("T2")) ?? listed;
  const prices = await listPrice(endpoint, { workload: listed, isFailed: false, target: 1.5 });
  if (failing !== undefined) {
    prices.push(...(await listPrice(endpoint, { workload: failing, isFailed: true, target: 1.5 })));
  }
  for (const delivery of DELIVERIES) prices.push(...(await runPrices(endpoint, shown, delivery)));
  return prices;
};
