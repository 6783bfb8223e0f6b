import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHttpFront } from "../../local/http-front.ts";
import { objectServer } from "../../local/object-server.ts";
import { fileBlobLinks, LINKS_PATH } from "../../shared/files/file-blob-links.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import type { BlobLinks } from "../../shared/ports/blob-links.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";

/** The front of the embedded stack with nothing behind it but objects. */
export interface ObjectServer {
  readonly links: BlobLinks;
  readonly store: BlobStore;
  readonly url: string;
  readonly directory: string;
  readonly faults: readonly unknown[];
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

const unused = (): never => {
  throw new Error("no route is asked for");
};

/** `now` is the server's clock. */
export const startObjectServer = async (now: () => number = Date.now): Promise<ObjectServer> => {
  const directory = mkdtempSync(join(tmpdir(), "runstone-objects-"));
  const secret = Buffer.from("of this server");
  const faults: unknown[] = [];
  const lines: string[] = [];
  const front = await startHttpFront({
    port: 0,
    routes: [],
    functions: { ingest: unused, query: unused, control: unused },
    authorize: unused,
    objects: { path: LINKS_PATH, serve: objectServer({ directory, secret, now }) },
    logRequest: (line) => lines.push(line),
    reportFault: (error) => faults.push(error),
  });
  return {
    links: fileBlobLinks({ secret, baseUrl: () => front.url }),
    store: fileBlobStore(directory),
    url: front.url,
    directory,
    faults,
    lines,
    stop: async () => {
      await front.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
