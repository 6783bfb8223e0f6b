import type { TenantId } from "../../contract/identifiers.ts";
import type { UploadRequest } from "../../contract/upload-request.ts";
import { refusesUploads } from "../../domain/redaction/upload-rules.ts";
import { type UploadLink, wholeSecond } from "../../ports/blob-links.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import type { UploadStore } from "../../ports/upload-store.ts";

/** How long the link to upload by holds: 50 MB over a line of 15 KB a second. */
const LINK_SECONDS = 3600;

/** What opening an upload works on. */
export interface UploadDependencies {
  readonly uploads: UploadStore;
  readonly settings: SettingsStore;
  readonly clock: Clock;
  /** A ULID of this time (milliseconds since 1970). */
  readonly newUlid: (time: number) => string;
}

/** An upload that can begin. */
export interface OpenedUpload {
  readonly id: string;
  readonly link: UploadLink;
  /** When the link ends (milliseconds since 1970). */
  readonly expiresAt: number;
}

/** As the store of objects takes it, whichever way it was written. */
const asBase64 = (sha256: string): string =>
  sha256.length === 64
    ? Buffer.from(sha256, "hex").toString("base64")
    : Buffer.from(sha256, "base64").toString("base64");

/** Opens an upload of exactly these bytes for the tenant. Undefined: the app takes none. Safe to repeat: each is another. */
export const openUpload = async (
  { uploads, settings, clock, newUlid }: UploadDependencies,
  tenantId: TenantId,
  wanted: UploadRequest,
): Promise<OpenedUpload | undefined> => {
  if (refusesUploads(await settings.ofTenant(tenantId), wanted.app_id)) return undefined;
  const now = clock.now();
  const from = wholeSecond(now);
  const id = newUlid(now);
  const bytes = { id, sizeBytes: wanted.size_bytes, sha256: asBase64(wanted.sha256) };
  const link = await uploads.open(tenantId, bytes, { from, seconds: LINK_SECONDS });
  return { id, link, expiresAt: from + LINK_SECONDS * 1000 };
};
