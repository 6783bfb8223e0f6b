import type { ExportJob } from "../../domain/job.ts";
import type { ExportStore } from "../../ports/export-store.ts";
import { listJobRuns } from "../jobs/list-job-runs.ts";
import { type JobStores, type Slice, type SliceEnd, saveJob } from "../jobs/save-job.ts";
import type { ListStores } from "../lists/run-lists.ts";
import { addCounts, type ExportSource, exportRun, firstLine, lastLine } from "./export-lines.ts";
import { type GzipLines, gzipLines } from "./gzip-lines.ts";

/** What an export by job works on. */
export type ExportRunsStores = ExportSource &
  ListStores &
  JobStores & {
    readonly exports: ExportStore;
    /** A ULID of this time (milliseconds since 1970). */
    newUlid(time: number): string;
  };

const RUNS_A_PAGE = 50;

/** A file has room for no further run from here on (characters, before compression). */
const FILE_LENGTH = 64 * 1024 * 1024;

/**
 * Adds runs to a file until it is full, the time is over, or there are none. Undefined where a run was deleted while it
 * was read: what the file holds of it cannot be taken back.
 */
const fillFile = async (
  stores: ExportRunsStores,
  slice: Slice<ExportJob>,
  of: { readonly job: ExportJob; readonly file: GzipLines },
): Promise<ExportJob | undefined> => {
  const { file } = of;
  let { job } = of;
  const isOpen = (): boolean => file.length < FILE_LENGTH && slice.hasTime();
  while (job.place !== "end" && isOpen()) {
    const { headers, place } = await listJobRuns(stores, slice.tenantId, { ...job, limit: RUNS_A_PAGE });
    for (const { runId, listedAt } of headers) {
      if (!isOpen()) return job;
      const lines = exportRun(stores, { tenantId: slice.tenantId, runId }, job);
      let line = await lines.next();
      for (; !line.done; line = await lines.next()) await file.add(line.value);
      if (line.value === undefined) return undefined;
      job = { ...job, place: { listedAt, runId }, counts: addCounts(job.counts, line.value) };
    }
    job = { ...job, place };
  }
  return job;
};

/**
 * Goes on with an export: file after file, each written before the job names it. Each try writes a file of its own, so a
 * slice that was interrupted, or overtaken, leaves one that nobody knows, and it is collected like any other.
 */
export const exportRuns = async (stores: ExportRunsStores, slice: Slice<ExportJob>): Promise<SliceEnd> => {
  const { tenantId } = slice;
  let { stored } = slice;
  while (slice.hasTime()) {
    const file = gzipLines();
    const { job } = stored;
    if (job.files.length === 0) await file.add(firstLine({ ...job, filter: job.shownFilter, at: job.createdAt }));
    const filled = await fillFile(stores, slice, { job, file });
    // The next try finds the run deleted.
    if (filled === undefined) continue;
    const hasEnded = filled.place === "end";
    if (hasEnded) await file.add(lastLine(filled.counts));
    const bytes = await file.end();
    const writtenAt = stores.clock.now();
    const id = stores.newUlid(writtenAt);
    await stores.exports.put({ tenantId, jobId: job.id, fileId: id }, bytes);
    const next: ExportJob = {
      ...filled,
      files: [...job.files, { id, sizeBytes: bytes.length, writtenAt }],
      ...(hasEnded ? { standing: { state: "done" } } : {}),
    };
    const saved = await saveJob(stores, tenantId, { next, rev: stored.rev });
    if (saved === undefined) return "superseded";
    if (hasEnded) return "ended";
    stored = saved;
  }
  return "more";
};
