import type { TenantId } from "../contract/identifiers.ts";
import type { JobId } from "../contract/job-id.ts";
import type { LinkTime } from "./blob-links.ts";

/** A file of an export. */
export interface ExportFileKey {
  readonly tenantId: TenantId;
  readonly jobId: JobId;
  /** ULID: each try to write the same part writes another. */
  readonly fileId: string;
}

/**
 * Files that exports write, collected `EXPORT_DAYS` after their writing. Failures are thrown as StoreFault; every call
 * can be repeated safely.
 */
export interface ExportStore {
  put(file: ExportFileKey, bytes: Uint8Array): Promise<void>;
  /** The URL to download a file by, without a credential. Whether it is there is not looked at. */
  link(file: ExportFileKey, time: LinkTime): Promise<string>;
}
