import { randomUUID } from "node:crypto";
import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import * as v from "valibot";
import { RunId } from "../shared/contract/identifiers.ts";
import { foldRun } from "../shared/domain/fold/run-fold.ts";
import { unpackEntry } from "../shared/dynamodb/packing/packing.ts";
import { runPartition } from "../shared/dynamodb/table.ts";
import { type MeteredService, startMeteredService } from "./metered-service.ts";
import { copyOf, DELIVERIES, type Delivery, type SampleRun, type Workload } from "./workloads.ts";

/** Processor milliseconds of this process for one run of a workload: medians. */
export interface ProcessorTime {
  readonly workload: string;
  readonly delivery: Delivery;
  /** From the requests' text to the last answer of the store. */
  readonly recordMs: number;
  /** Ledger entries to events, those that are in the table. */
  readonly unpackMs: number;
  /** Events to the run's state. */
  readonly foldMs: number;
}

/** Not counted, of every workload before any is: the code is still being compiled. */
const WARM_UP_RUNS = 24;
const COUNTED_RUNS = 24;
const REPETITIONS = 10;

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const processorMs = async (work: () => Promise<unknown> | unknown): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const packsOf = async (service: MeteredService, runId: RunId): Promise<Uint8Array[]> => {
  const partition: AttributeValue = { S: runPartition({ tenantId: service.tenantId, runId }) };
  const input = {
    TableName: service.tableName,
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": partition },
  };
  const { Items } = await service.aside.send(new QueryCommand(input));
  return (Items ?? []).flatMap((item) => item["pack"]?.B ?? []);
};

const timesOf = async (service: MeteredService, run: SampleRun, delivery: Delivery) => {
  const recordMs = await processorMs(() => service.record(run, delivery));
  const runId = v.parse(RunId, run.runId);
  const packs = await packsOf(service, runId);
  const { entries } = await service.dependencies.ledger.readAll({ tenantId: service.tenantId, runId });
  const repeated = async (work: () => void): Promise<number> => {
    const total = await processorMs(() => {
      for (let count = 0; count < REPETITIONS; count++) work();
    });
    return total / REPETITIONS;
  };
  const unpackMs = await repeated(() => {
    for (const pack of packs) unpackEntry(pack);
  });
  const foldMs = await repeated(() => foldRun(entries));
  return { recordMs, unpackMs, foldMs };
};

/** The times of so many runs, recorded one after the other in a table of their own. */
const timesOfRuns = async (endpoint: string, workload: Workload, of: { delivery: Delivery; runs: number }) => {
  const service = await startMeteredService(endpoint, { startsAt: workload.endsAt, isMetered: false });
  try {
    const times: Awaited<ReturnType<typeof timesOf>>[] = [];
    for (let count = 0; count < of.runs; count++) {
      const run = workload.runs[count % workload.runs.length] as SampleRun;
      times.push(await timesOf(service, copyOf(run, randomUUID()), of.delivery));
    }
    return times;
  } finally {
    service.stop();
  }
};

/**
 * How much processor time recording and reading back take, in this process: the emulator runs in another one, objects
 * are kept in memory. Without the meter, whose reads cost time too.
 */
export const processorTimes = async (endpoint: string, workloads: readonly Workload[]): Promise<ProcessorTime[]> => {
  const deliveries = workloads.flatMap((workload) => DELIVERIES.map((delivery) => ({ workload, delivery })));
  for (const { workload, delivery } of deliveries) {
    await timesOfRuns(endpoint, workload, { delivery, runs: WARM_UP_RUNS });
  }
  const found: ProcessorTime[] = [];
  for (const { workload, delivery } of deliveries) {
    const times = await timesOfRuns(endpoint, workload, { delivery, runs: COUNTED_RUNS });
    found.push({
      workload: workload.name,
      delivery,
      recordMs: median(times.map(({ recordMs }) => recordMs)),
      unpackMs: median(times.map(({ unpackMs }) => unpackMs)),
      foldMs: median(times.map(({ foldMs }) => foldMs)),
    });
  }
  return found;
};
