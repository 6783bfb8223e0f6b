import { createHash } from "node:crypto";
import * as v from "valibot";
import { AppId, RunId, type RunKey } from "../shared/contract/identifiers.ts";
import { instantOf } from "../shared/contract/instant.ts";
import type { RunStatus } from "../shared/contract/run-status.ts";
import type { Header, RunRow } from "../shared/domain/header.ts";
import { DEFAULT_RETENTION_DAYS, runExpiry } from "../shared/domain/retention.ts";
import { failureItem } from "../shared/dynamodb/failure-item.ts";
import { headerItem, NEW_HEADER } from "../shared/dynamodb/header-item.ts";
import type { MeteredService } from "./metered-service.ts";
import { putItems } from "./put-items.ts";

/** The workflow trigger that only few runs have. */
export const RARE_TRIGGER = "plugin";
/** One run in so many has it. */
const RARITY = 5_000;
/** The share of the largest app; the others share the rest, each less than the one before. */
const LARGEST_SHARE = 0.55;
/** Starts are spread over so long before now. */
const SPREAD_MS = 25 * 86_400_000;

/** An app and how many runs it has. */
export interface SeededApp {
  readonly appId: AppId;
  readonly runs: number;
}

/** Numbers from 0 to 1, the same in each benchmark. */
export const randomFrom = (seed: number) => (): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};

/** An id as long as a UUID. */
export const idOf = (kind: string, number: number): string =>
  createHash("sha256")
    .update(`${kind} ${number}`)
    .digest("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");

/** Apps of uneven size, the largest first. */
export const appsOf = (size: { readonly runs: number; readonly apps: number }): SeededApp[] => {
  const weights = Array.from({ length: size.apps - 1 }, (_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const rest = weights.map((weight) => Math.floor((size.runs * (1 - LARGEST_SHARE) * weight) / total));
  const largest = size.runs - rest.reduce((sum, runs) => sum + runs, 0);
  return [largest, ...rest].map((runs, index) => ({ appId: v.parse(AppId, idOf("app", index)), runs }));
};

const STATUSES: readonly (readonly [upTo: number, RunStatus])[] = [
  [0.92, "succeeded"],
  [0.97, "failed"],
  [0.98, "partial-succeeded"],
  [0.99, "stopped"],
  [0.998, "running"],
  [1, "paused"],
];

const rowOf = (appId: AppId, of: { number: number; startedAt: number; random: () => number }): RunRow => {
  const { number, startedAt, random } = of;
  const chance = random();
  const status = STATUSES.find(([upTo]) => chance <= upTo)?.[1] ?? "succeeded";
  const hasEnded = status !== "running" && status !== "paused";
  return {
    status,
    isIncomplete: false,
    epoch: 1,
    appId,
    startedAt: instantOf(startedAt),
    finishedAt: hasEnded ? instantOf(startedAt + 4_000) : undefined,
    elapsedTime: hasEnded ? 3.875 : undefined,
    workflowId: idOf("workflow", number % 50),
    workflowVersion: "2026-11-01 09:30:00.000000",
    workflowType: "workflow",
    triggeredFrom: number % RARITY === 0 ? RARE_TRIGGER : "app-run",
    createdBy: idOf("user", number % 1000),
    createdByRole: "end_user",
    parentRunId: undefined,
    tags: number % 4 === 0 ? ["production", "eu"] : [],
    idleTimeout: undefined,
    totalTokens: hasEnded ? 1_284 : undefined,
    totalSteps: hasEnded ? 6 : undefined,
    exceptionsCount: hasEnded ? 0 : undefined,
    error: status === "failed" ? `upstream answered 503 after ${number} ms: the model is overloaded` : undefined,
  };
};

const headerOf = (row: RunRow, receivedAt: number): Header => ({
  row,
  phase: "folded",
  seen: Buffer.alloc(12).toString("base64url"),
  seenFinish: undefined,
  listedAt: row.startedAt ?? instantOf(receivedAt),
  expiresAt: runExpiry(receivedAt, DEFAULT_RETENTION_DAYS),
  keptDays: DEFAULT_RETENTION_DAYS,
  shard: 0,
});

const failureOf = (run: RunKey, { row, expiresAt }: Header, appId: AppId): Record<string, unknown> =>
  failureItem(run, {
    moment: { rev: 1, touches: 0 },
    row: {
      runId: run.runId,
      nodeExecutionId: `${run.runId}-llm`,
      appId,
      shard: 0,
      nodeId: "llm",
      nodeType: "llm",
      title: "Decide",
      epoch: 1,
      finishedAt: row.finishedAt ?? instantOf(0),
      elapsedTime: 3.5,
      attempts: 1,
      error: row.error ?? "",
      fingerprint: "0".repeat(16),
      workflowVersion: row.workflowVersion,
      runStatus: row.status,
      expiresAt,
    },
  });

/** The items of runs of these apps, headers and failures, spread over time so that lists of all apps mix them. */
function* itemsOf(
  service: MeteredService,
  apps: readonly SeededApp[],
  now: number,
): Generator<Record<string, unknown>> {
  const random = randomFrom(7);
  let number = 0;
  for (const { appId, runs } of apps) {
    for (let count = 0; count < runs; count++) {
      number++;
      const startedAt = now - 10_000 - Math.floor(random() * SPREAD_MS);
      const run = { tenantId: service.tenantId, runId: v.parse(RunId, idOf("run", number)) };
      const header = headerOf(rowOf(appId, { number, startedAt, random }), startedAt);
      yield headerItem(run, header, NEW_HEADER);
      if (header.row.status === "failed") yield failureOf(run, header, appId);
    }
  }
}

/**
 * Puts runs into the table as recording leaves them, past the meter: headers and failures, no ledgers, which no list
 * reads. Tells its progress.
 */
export const seedRuns = async (
  service: MeteredService,
  apps: readonly SeededApp[],
  of: { readonly now: number; readonly tell: (line: string) => void },
): Promise<void> => {
  for (const { appId } of apps) {
    await service.dependencies.apps.register(service.tenantId, { appId, registeredAt: of.now - SPREAD_MS });
  }
  const total = apps.reduce((sum, { runs }) => sum + runs, 0);
  await putItems(service, itemsOf(service, apps, of.now), { for: `${total} runs`, tell: of.tell });
};
