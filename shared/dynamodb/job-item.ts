import * as v from "valibot";
import { AppId, RunId, type TenantId } from "../contract/identifiers.ts";
import { Instant } from "../contract/instant.ts";
import { JobId } from "../contract/job-id.ts";
import { RUN_STATUSES } from "../contract/run-status.ts";
import type { Job } from "../domain/job.ts";
import { jobExpiry } from "../domain/retention.ts";
import { ANY_RUN, type RunFilter } from "../domain/run-filter.ts";
import type { StoredJob } from "../ports/job-store.ts";
import { jsonAttribute } from "./json-attribute.ts";
import { jobKey } from "./table.ts";

const count = v.number();
const Status = v.picklist(RUN_STATUSES);

/** A job that was written before it looked there has yet to begin. */
const QuarantineMark = v.optional(
  v.union([
    v.picklist(["begin", "end"]),
    v.pipe(
      v.object({ sentAt: v.number(), messageId: v.string(), index: v.optional(v.number()) }),
      v.transform(({ index, ...position }) => ({ ...position, index })),
    ),
  ]),
  "begin",
);

/** JSON leaves out what is undefined. */
const Filter = v.pipe(
  v.object({
    statuses: v.array(Status),
    triggeredFrom: v.optional(v.string()),
    workflowId: v.optional(v.string()),
    workflowVersion: v.optional(v.string()),
    createdBy: v.optional(v.string()),
    tags: v.array(v.string()),
    hasExceptions: v.optional(v.boolean()),
    created: v.object({ after: v.optional(Instant), before: v.optional(Instant) }),
    minElapsedSeconds: v.optional(v.number()),
    parentRunId: v.optional(RunId),
  }),
  v.transform(
    (given): RunFilter => ({
      ...ANY_RUN,
      ...given,
      created: { after: given.created.after, before: given.created.before },
    }),
  ),
);

const basis = {
  appId: AppId,
  filter: Filter,
  shownFilter: v.optional(Filter),
  by: v.string(),
  createdAt: v.number(),
  updatedAt: v.number(),
  place: v.union([
    v.picklist(["begin", "end"]),
    v.object({ listedAt: Instant, runId: RunId, isIncluded: v.optional(v.boolean()) }),
  ]),
  standing: v.union([
    v.object({ state: v.picklist(["running", "done", "cancelled"]) }),
    v.object({ state: v.literal("failed"), error: v.object({ code: v.string(), detail: v.string() }) }),
  ]),
};

const Work = v.variant("kind", [
  v.object({
    ...basis,
    kind: v.literal("delete_runs"),
    batch: v.array(RunId),
    quarantine: QuarantineMark,
    counts: v.object({
      deleted: count,
      onHold: count,
      failed: count,
      entries: count,
      events: count,
      objects: count,
      quarantined: v.optional(count, 0),
      failedRuns: v.array(v.object({ runId: RunId, code: v.string() })),
    }),
  }),
  v.object({
    ...basis,
    kind: v.literal("dry_run"),
    quarantine: QuarantineMark,
    counts: v.pipe(
      v.object({
        matched: count,
        onHold: count,
        byStatus: v.record(v.string(), count),
        quarantined: v.optional(count, 0),
        first: v.optional(Instant),
        last: v.optional(Instant),
      }),
      v.transform(({ first, last, ...counted }) => ({ ...counted, first, last })),
    ),
  }),
  v.object({
    ...basis,
    kind: v.literal("export"),
    hasEvents: v.boolean(),
    hasPayload: v.boolean(),
    files: v.array(v.object({ id: v.string(), sizeBytes: count, writtenAt: v.number() })),
    counts: v.object({ runs: count, nodes: count, events: count }),
  }),
]);

const JobItem = v.object({
  sk: JobId,
  rev: v.number(),
  work: jsonAttribute(Work),
});

/** The item of a job. `writer` tells this write from any other. */
export const jobItem = (
  tenantId: TenantId,
  { id, ...work }: Job,
  of: { readonly rev: number; readonly writer: string },
): Record<string, unknown> => ({
  ...jobKey(tenantId, id),
  ...of,
  work: JSON.stringify(work),
  expires_at: jobExpiry(work.createdAt),
});

/** A job as stored. One that cannot be read is ours to mend: it throws. */
export const storedJobFrom = (item: Record<string, unknown>): StoredJob => {
  const { sk, rev, work } = v.parse(JobItem, item);
  return { job: { ...work, shownFilter: work.shownFilter ?? work.filter, id: sk }, rev };
};

/** Who wrote an item last. */
export const writerOf = (item: Record<string, unknown> | undefined): unknown => item?.["writer"];
