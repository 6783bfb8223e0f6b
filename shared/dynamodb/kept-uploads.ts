import { decodeTime } from "ulid";
import type { RunKey } from "../contract/identifiers.ts";
import { UPLOAD_DAYS } from "../domain/retention.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { allRunObjectsPrefixes, HELD, ownUploadKey, uploadObjectKey } from "./object-keys.ts";

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const DAY_MS = 86_400_000;

/** Uploads that events refer to. Each run keeps a copy of its own, which lives and goes with the run. */
export interface KeptUploads {
  /** How large an upload is that the run can refer to (bytes): its own copy once it has one. Undefined for none. */
  find(run: RunKey, uploadId: string): Promise<number | undefined>;
  /** Gives the run a copy of this lifetime, which begins anew. Throws a fault where there is nothing to copy. */
  keep(run: RunKey, uploadId: string, days: number): Promise<void>;
  /** The bytes of the run's own copy; undefined where it has none. */
  read(run: RunKey, uploadId: string): Promise<Uint8Array | undefined>;
}

/** Where a run can have its own copy: under the lifetime of any entry that refers to it, or held. */
const ownKeys = (run: RunKey, uploadId: string): string[] => {
  const name = ownUploadKey(run, uploadId, HELD).slice(allRunObjectsPrefixes(run)[0]?.length);
  return allRunObjectsPrefixes(run).map((prefix) => `${prefix}${name}`);
};

/** Over the store of objects: waiting uploads under their tenant, copies beside the other objects of their runs. */
export const keptUploads = (blobs: BlobStore, clock: Pick<Clock, "now">): KeptUploads => ({
  find: async (run, uploadId) => {
    if (!ULID.test(uploadId)) return undefined;
    // What the store has not collected yet is over for everybody at the same time.
    const isOver = clock.now() >= decodeTime(uploadId) + UPLOAD_DAYS * DAY_MS;
    const keys = [...(isOver ? [] : [uploadObjectKey(run.tenantId, uploadId)]), ...ownKeys(run, uploadId)];
    for (const key of keys) {
      const size = await blobs.sizeOf(key);
      if (size !== undefined) return size;
    }
    return undefined;
  },

  keep: async (run, uploadId, days) => {
    const target = ownUploadKey(run, uploadId, days);
    for (const source of [uploadObjectKey(run.tenantId, uploadId), target, ...ownKeys(run, uploadId)]) {
      if (await blobs.copy(source, target)) return;
    }
    throw new StoreFault("the upload was collected while the event was recorded", {
      cause: undefined,
      isRetryable: true,
    });
  },

  read: async (run, uploadId) => {
    for (const key of ownKeys(run, uploadId)) {
      const bytes = await blobs.get(key);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  },
});
