import { dynamoStatisticsStore } from "../../shared/dynamodb/dynamo-statistics-store.ts";
import { startTables } from "./dynamo-tables.ts";
import { statisticsStoreContract } from "./statistics-store.ts";

statisticsStoreContract("DynamoDB", async () => {
  const { table, dead, stop } = await startTables();
  return { store: dynamoStatisticsStore(table), broken: dynamoStatisticsStore(dead), stop };
});
