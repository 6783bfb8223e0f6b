import { memoryQuarantineStore } from "../support/memory-quarantine-store.ts";
import { quarantineStoreContract } from "./quarantine-store.ts";

quarantineStoreContract("memory", async () => ({
  store: memoryQuarantineStore(),
  broken: memoryQuarantineStore({ isBroken: true }),
  stop: () => undefined,
}));
