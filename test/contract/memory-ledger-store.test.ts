import { memoryFailureStore } from "../support/memory-failure-store.ts";
import { memoryLedgerStore } from "../support/memory-ledger-store.ts";
import { memoryRunStore } from "../support/memory-run-store.ts";
import { failureStoreContract } from "./failure-store.ts";
import { ledgerStoreContract } from "./ledger-store.ts";

ledgerStoreContract("memory", async (clock) => {
  const runs = memoryRunStore();
  return {
    store: memoryLedgerStore({ runs, clock }),
    runs,
    broken: memoryLedgerStore({ runs, clock, isBroken: true }),
    stop: () => undefined,
  };
});

failureStoreContract("memory", async () => {
  const store = memoryFailureStore();
  return {
    store,
    broken: memoryFailureStore({ isBroken: true }),
    rowsOf: async (run) => store.rowsOf(run),
    stop: () => undefined,
  };
});
