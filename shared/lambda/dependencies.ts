import type { RecordDependencies } from "../app/record/record-events.ts";
import type { AuditLog } from "../ports/audit-log.ts";
import type { BlobLinks } from "../ports/blob-links.ts";
import type { ExportStore } from "../ports/export-store.ts";
import type { FailureStore } from "../ports/failure-store.ts";
import type { JobStore } from "../ports/job-store.ts";
import type { QuarantineStore } from "../ports/quarantine-store.ts";
import type { StatisticsStore } from "../ports/statistics-store.ts";
import type { UpkeepStore } from "../ports/upkeep-store.ts";
import type { Log } from "./log.ts";

/** What functions that record work on. */
export interface RecordingDependencies extends RecordDependencies {
  readonly quarantine: QuarantineStore;
  readonly log: Log;
}

/** What the other functions work on. Each takes all of it; its role in AWS lets it use what it needs. */
export interface Dependencies extends RecordingDependencies {
  readonly audit: AuditLog;
  readonly failures: FailureStore;
  readonly links: BlobLinks;
  readonly jobs: JobStore;
  readonly exports: ExportStore;
  readonly statistics: StatisticsStore;
  readonly upkeep: UpkeepStore;
}
