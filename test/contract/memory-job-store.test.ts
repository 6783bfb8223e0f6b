import { memoryJobStore } from "../support/memory-job-store.ts";
import { jobStoreContract } from "./job-store.ts";

jobStoreContract("memory", async () => ({
  store: memoryJobStore(),
  broken: memoryJobStore({ isBroken: true }),
  stop: () => undefined,
}));
