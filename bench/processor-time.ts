import { randomUUID } from "node:crypto";
import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import * as v from "valibot";
import { RunId } from "../shared/contract/identifiers.ts";
import { foldRun } from "../shared/domain/run-fold.ts";
import { unpackEntry } from "../shared/dynamodb/packing.ts";
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

/** The first are not counted: the code is still being compiled. */
const WARM_UP_RUNS = 30;
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

/**
 * How much processor time recording and reading back take, in this process: the emulator runs in another one, objects
 * are kept in memory. Without the meter, whose reads cost time too.
 */
export const processorTimes = async (endpoint: string, workloads: readonly Workload[]): Promise<ProcessorTime[]> => {
  const found: ProcessorTime[] = [];
  for (const workload of workloads) {
    for (const delivery of DELIVERIES) {
      const service = await startMeteredService(endpoint, { startsAt: workload.endsAt, isMetered: false });
      try {
        const times: Awaited<ReturnType<typeof timesOf>>[] = [];
        for (let count = 0; count < WARM_UP_RUNS + COUNTED_RUNS; count++) {
          const run = workload.runs[count % workload.runs.length] as SampleRun;
          times.push(await timesOf(service, copyOf(run, randomUUID()), delivery));
        }
        const counted = times.slice(WARM_UP_RUNS);
        found.push({
          workload: workload.name,
          delivery,
          recordMs: median(counted.map(({ recordMs }) => recordMs)),
          unpackMs: median(counted.map(({ unpackMs }) => unpackMs)),
          foldMs: median(counted.map(({ foldMs }) => foldMs)),
        });
      } finally {
        service.stop();
      }
    }
  }
  return found;
};
