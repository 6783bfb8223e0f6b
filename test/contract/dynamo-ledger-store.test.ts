import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamoLedgerStore } from "../../shared/dynamodb/dynamo-ledger-store.ts";
import { dynamoRunStore } from "../../shared/dynamodb/dynamo-run-store.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { arrivalOf, sent, ZERO } from "../support/builders.ts";
import { manualClock } from "../support/manual-clock.ts";
import { runKey } from "../support/service.ts";
import { startTables, type Tables } from "./dynamo-tables.ts";
import { ledgerStoreContract } from "./ledger-store.ts";
import { expectRetryableFault } from "./stored-faults.ts";

const directories: string[] = [];
const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "runstone-ledger-"));
  directories.push(directory);
  return directory;
};
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

ledgerStoreContract("DynamoDB", async (clock) => {
  const { table, dead, stop } = await startTables();
  const blobs = fileBlobStore(newDirectory());
  return {
    store: dynamoLedgerStore(table, blobs, clock),
    runs: dynamoRunStore(table),
    broken: dynamoLedgerStore(dead, blobs, clock),
    stop,
  };
});

describe("DynamoDB as a ledger store", () => {
  let tables: Tables;
  beforeAll(async () => {
    tables = await startTables();
  });
  afterAll(() => tables.stop());

  const run = runKey("demo", "run-1");
  const large = () => ({
    ...arrivalOf([sent("run.started", { inputs: "x".repeat(100_000) }).event]),
    appId: undefined,
    expiresAt: 0,
  });

  /** Objects that fail as long as they are told to. */
  const failingBlobs = () => {
    const blobs = fileBlobStore(newDirectory());
    const failing = { isFailing: true };
    const unlessFailing = <T>(call: () => Promise<T>): Promise<T> =>
      failing.isFailing
        ? Promise.reject(new StoreFault("out of reach", { cause: new Error("test"), isRetryable: true }))
        : call();
    const store: BlobStore = {
      put: (key, bytes) => unlessFailing(() => blobs.put(key, bytes)),
      get: (key) => unlessFailing(() => blobs.get(key)),
      sizeOf: (key) => unlessFailing(() => blobs.sizeOf(key)),
      copy: (from, to) => unlessFailing(() => blobs.copy(from, to)),
      list: (prefix) => blobs.list(prefix),
      remove: (key) => unlessFailing(() => blobs.remove(key)),
    };
    return { failing, store };
  };

  it("writes no entry whose payload object could not be written, and the same call succeeds later", async () => {
    const { failing, store } = failingBlobs();
    const ledger = dynamoLedgerStore(tables.table, store, manualClock(new Date(ZERO).toISOString()));
    const entry = large();
    await expectRetryableFault(ledger.append(run, entry));
    failing.isFailing = false;
    expect((await ledger.readAll(run)).entries).toEqual([]);

    await ledger.append(run, entry);
    expect((await ledger.readAll(run)).entries).toHaveLength(1);
  });

  it("fails a read of texts, to be tried again, where objects are out of reach", async () => {
    const { failing, store } = failingBlobs();
    failing.isFailing = false;
    const ledger = dynamoLedgerStore(tables.table, store, manualClock(new Date(ZERO).toISOString()));
    const own = runKey("demo", "run-2");
    await ledger.append(own, {
      ...arrivalOf([sent("run.started", { inputs: Array.from({ length: 20_000 }, (_, n) => n * n) }).event]),
      appId: undefined,
      expiresAt: 0,
    });
    const places = (await ledger.readAll(own)).entries.flatMap(({ events }) =>
      events.flatMap(({ payload }) => payload.flatMap(({ place }) => place ?? [])),
    );
    expect(places).toHaveLength(1);

    failing.isFailing = true;
    await expectRetryableFault(ledger.readTexts(own, places));
  });
});
