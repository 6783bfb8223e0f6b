import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamoAppRegistry } from "../../shared/dynamodb/dynamo-app-registry.ts";
import { dynamoQuarantineStore } from "../../shared/dynamodb/dynamo-quarantine-store.ts";
import { dynamoUpkeepStore } from "../../shared/dynamodb/dynamo-upkeep-store.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { appRegistryContract } from "./app-registry.ts";
import { startTables } from "./dynamo-tables.ts";
import { quarantineStoreContract } from "./quarantine-store.ts";
import { upkeepStoreContract } from "./upkeep-store.ts";

appRegistryContract("DynamoDB", async () => {
  const { table, dead, stop } = await startTables();
  return {
    store: dynamoAppRegistry(table),
    another: dynamoAppRegistry(table),
    broken: dynamoAppRegistry(dead),
    stop,
  };
});

upkeepStoreContract("DynamoDB", async () => {
  const { table, dead, stop } = await startTables();
  return { store: dynamoUpkeepStore(table), apps: dynamoAppRegistry(table), broken: dynamoUpkeepStore(dead), stop };
});

quarantineStoreContract("DynamoDB", async () => {
  const objects = mkdtempSync(join(tmpdir(), "runstone-quarantine-"));
  const { table, dead, stop } = await startTables();
  return {
    store: dynamoQuarantineStore(table, fileBlobStore(objects)),
    broken: dynamoQuarantineStore(dead, fileBlobStore(objects)),
    stop: () => {
      stop();
      rmSync(objects, { recursive: true, force: true });
    },
  };
});
