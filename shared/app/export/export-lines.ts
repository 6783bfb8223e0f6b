import { EXPORT_FORMAT } from "../../contract/export-line.ts";
import type { RunKey } from "../../contract/identifiers.ts";
import { instantOf, showInstant } from "../../contract/instant.ts";
import { type JsonOutput, writeJson } from "../../contract/json-text.ts";
import { batchesOf } from "../../domain/batches.ts";
import { attemptsOf } from "../../domain/fold/attempts.ts";
import type { MemberPayload } from "../../domain/fold/member.ts";
import type { NodeState } from "../../domain/fold/node-fold.ts";
import type { ExportCounts, ExportForm, Job } from "../../domain/job.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../../ports/run-store.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import type { UploadStore } from "../../ports/upload-store.ts";
import { presentFilter } from "../jobs/present-job.ts";
import { payloadOf, presentAttempt, presentNode } from "../read/present-node.ts";
import { type Members, type PayloadView, visible } from "../read/present-payload.ts";
import { presentRun } from "../read/present-run.ts";
import { type ReadRun, readRun, readTexts } from "../read/read-run.ts";
import { eventLines, onOneLine, uploadLines } from "./export-events.ts";

/** What runs are exported from. */
export interface ExportSource {
  readonly ledger: LedgerStore;
  readonly runs: Pick<RunStore, "find">;
  readonly uploads: Pick<UploadStore, "read">;
  readonly clock: Clock;
}

/** A run whose ledger does not hold what it should. It is ours to mend; an export cannot leave it out unsaid. */
export class UnreadableRun extends Error {
  override readonly name = "UnreadableRun";
  readonly run: RunKey;

  constructor(run: RunKey, cause: unknown) {
    super(`the run ${run.runId} cannot be exported`, { cause });
    this.run = run;
  }
}

/** Payload that is in memory at a time for the node lines of one run. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Computed names stand before sent ones: the event lines have the originals. */
const lineOf = (record: "run" | "node", runId: string, members: Members): string => {
  const head = new Map<string, JsonOutput>([
    ["record", record],
    ["run_id", runId],
  ]);
  for (const [name, value] of members) if (!head.has(name)) head.set(name, value);
  return onOneLine(writeJson(head));
};

type See = (payload: readonly MemberPayload[]) => Promise<PayloadView>;

const payloadBytes = (node: NodeState): number => node.payload.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

async function* nodeLines(run: RunKey, nodes: readonly NodeState[], see: See): AsyncGenerator<string> {
  for (const batch of batchesOf(nodes, BATCH_BYTES, payloadBytes)) {
    const told = batch.map((node) => ({ node, attempts: attemptsOf(node) }));
    const view = await see(told.flatMap(({ node, attempts }) => payloadOf(node, attempts)));
    for (const { node, attempts } of told) {
      const members = presentNode(node, view);
      members.set(
        "attempts",
        attempts.map((attempt) => presentAttempt(attempt, view)),
      );
      yield lineOf("node", run.runId, members);
    }
  }
}

async function* linesOf(
  source: ExportSource,
  key: RunKey,
  of: { readonly run: ReadRun; readonly form: ExportForm },
): AsyncGenerator<string> {
  const { run, form } = of;
  const { hasPayload, hasEvents } = form;
  const see: See = async (payload) => {
    const wanted = visible(payload, { seesPayload: hasPayload });
    const texts = await readTexts(source.ledger, key, wanted);
    const lost = wanted.find((value) => !texts.has(value));
    if (lost !== undefined) throw new Error(`a payload value of ${lost.sizeBytes} bytes is lost`);
    return { seesPayload: hasPayload, texts };
  };
  yield lineOf("run", key.runId, presentRun(run, await see(run.state.payload)));
  yield* nodeLines(key, run.state.nodes, see);
  if (!hasEvents) return;
  if (hasPayload) yield* uploadLines(source, key, run.entries);
  yield* eventLines(source, key, { entries: run.entries, hasPayload });
}

/**
 * The lines of one run: the run, its node executions, and its deliveries in order of receipt; none where there is no
 * such run any more. Gives how many of each there are; undefined where the run was deleted while it was read: what came of
 * its lines is to be left out. Holds the run in memory, and a few megabytes of its large payload at a time. Throws
 * {@link UnreadableRun}.
 */
export async function* exportRun(
  source: ExportSource,
  key: RunKey,
  form: ExportForm,
): AsyncGenerator<string, ExportCounts | undefined> {
  try {
    const run = await readRun(source, key);
    if (run === undefined) return { runs: 0, nodes: 0, events: 0 };
    yield* linesOf(source, key, { run, form });
    const events = form.hasEvents ? run.entries.reduce((sum, entry) => sum + entry.events.length, 0) : 0;
    return { runs: 1, nodes: run.state.nodes.length, events };
  } catch (error) {
    if (error instanceof StoreFault) throw error;
    if (isTombstone(await source.runs.find(key))) return undefined;
    throw new UnreadableRun(key, error);
  }
}

/** The first line of an export. `at`: milliseconds since 1970. */
export const firstLine = (of: Pick<Job, "appId" | "filter"> & ExportForm & { readonly at: number }): string =>
  writeJson({
    record: "export",
    format: EXPORT_FORMAT,
    app_id: of.appId,
    filter: presentFilter(of.filter),
    exported_at: showInstant(instantOf(of.at)),
    events: of.hasEvents,
    importable: of.hasEvents && of.hasPayload,
    ...(of.hasPayload ? {} : { payload_hidden: true }),
  });

/** The last line of an export: without it something is missing. */
export const lastLine = (counts: ExportCounts): string => writeJson({ record: "end", ...counts });

/** Both together. */
export const addCounts = (a: ExportCounts, b: ExportCounts): ExportCounts => ({
  runs: a.runs + b.runs,
  nodes: a.nodes + b.nodes,
  events: a.events + b.events,
});
