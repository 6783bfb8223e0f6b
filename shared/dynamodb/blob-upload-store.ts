import type { BlobLinks } from "../ports/blob-links.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { UploadStore } from "../ports/upload-store.ts";
import { keptUploads } from "./kept-uploads.ts";
import { uploadObjectKey } from "./object-keys.ts";

/** Uploads as objects, each tenant's under keys of its own, with links to put them there. */
export const blobUploadStore = (blobs: BlobStore, links: BlobLinks, clock: Pick<Clock, "now">): UploadStore => {
  const kept = keptUploads(blobs, clock);
  return {
    open: (tenantId, { id, ...bytes }, time) => links.upload(uploadObjectKey(tenantId, id), bytes, time),
    find: kept.find,
    read: kept.read,
    put: (tenantId, id, bytes) => blobs.put(uploadObjectKey(tenantId, id), bytes),
  };
};
