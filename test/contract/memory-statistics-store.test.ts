import { memoryStatisticsStore } from "../support/memory-statistics-store.ts";
import { statisticsStoreContract } from "./statistics-store.ts";

statisticsStoreContract("memory", async () => ({
  store: memoryStatisticsStore(),
  broken: memoryStatisticsStore({ isBroken: true }),
  stop: () => undefined,
}));
