import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { blobStoreContract } from "./blob-store.ts";

const newDirectory = () => mkdtempSync(join(tmpdir(), "runstone-blobs-"));

blobStoreContract("files", async () => {
  const directory = newDirectory();
  // A file where the directory should be.
  writeFileSync(join(directory, "file"), "");
  return {
    store: fileBlobStore(directory),
    broken: fileBlobStore(join(directory, "file")),
    stop: () => rmSync(directory, { recursive: true, force: true }),
  };
});

describe("files as a blob store", () => {
  const directory = newDirectory();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const filesIn = (path: string): string[] =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length));

  it("stay within their directory, whatever ids a key is made of", async () => {
    const inner = join(directory, "inner");
    await fileBlobStore(inner).put("runs/../../../1", Buffer.from("x"));

    expect(filesIn(inner)).toHaveLength(1);
    expect(filesIn(directory)).toHaveLength(1);
  });

  it("leave nothing unfinished behind", async () => {
    const path = join(directory, "finished");
    const store = fileBlobStore(path);
    await Promise.all(Array.from({ length: 5 }, () => store.put("runs/demo/run-1/1", Buffer.alloc(10_000))));

    expect(filesIn(path)).toEqual(["/runs/demo/run-1/1"]);
  });
});
