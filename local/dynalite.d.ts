/** The parts of dynalite that the embedded stack and its tests use; the package brings no types. */
declare module "dynalite" {
  import type { Server } from "node:http";

  function dynalite(options?: {
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
  export = dynalite;
}

declare module "dynalite/db/index.js" {
  type Callback = (error: Error | null, value?: unknown) => void;

  interface SubStore {
    put(key: string, value: unknown, callback: Callback): void;
    get(key: string, callback: Callback): void;
    del(key: string, callback: Callback): void;
  }

  interface Store {
    readonly db: { open(): Promise<void>; close(): Promise<void> };
    getItemDb(tableName: string): SubStore;
    getIndexDb(kind: "local" | "global", tableName: string, indexName: string): SubStore;
    getTable(name: string, callback: (error: Error | null, table: unknown) => void): void;
  }

  type Item = Record<string, unknown>;

  interface IndexActions {
    readonly puts: { index: string; key: string; item: Item }[];
    readonly deletes: { index: string; key: string }[];
  }

  const storage: {
    create(options: { path?: string }): Store;
    createKey(item: Item, table: unknown): string;
    getIndexActions(indexes: unknown, existing: Item | undefined, item: Item | undefined, table: unknown): IndexActions;
  };
  export = storage;
}
