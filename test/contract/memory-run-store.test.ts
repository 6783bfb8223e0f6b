import { memoryRunStore } from "../support/memory-run-store.ts";
import { runListsContract } from "./run-lists.ts";
import { runStoreContract } from "./run-store.ts";

const start = async () => ({
  store: memoryRunStore(),
  broken: memoryRunStore({ isBroken: true }),
  stop: () => undefined,
});

runStoreContract("memory", start);
runListsContract("memory", start);
