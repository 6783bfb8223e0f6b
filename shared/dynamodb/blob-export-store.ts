import type { BlobLinks } from "../ports/blob-links.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { ExportStore } from "../ports/export-store.ts";
import { exportFileKey } from "./object-keys.ts";

/** Files of exports as objects of a short lifetime, each tenant's under keys of its own. */
export const blobExportStore = (blobs: BlobStore, links: BlobLinks): ExportStore => ({
  put: (file, bytes) => blobs.put(exportFileKey(file), bytes),
  link: (file, time) => links.download(exportFileKey(file), time),
});
