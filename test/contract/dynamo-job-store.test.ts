import { dynamoJobStore } from "../../shared/dynamodb/dynamo-job-store.ts";
import { startTables } from "./dynamo-tables.ts";
import { jobStoreContract, sampleJob } from "./job-store.ts";

jobStoreContract("DynamoDB", async () => {
  const { table, dead, stop } = await startTables();
  return { store: dynamoJobStore(table), broken: dynamoJobStore(dead), stop };
});

describe("the SDK's second try of a write that took effect", () => {
  test("is a success", async () => {
    const { table, client, stop } = await startTables();
    const store = dynamoJobStore(table);
    let isTwice = false;
    client.middlewareStack.add(
      (next) => async (args) => {
        const first = await next(args);
        return isTwice ? next(args) : first;
      },
      { step: "finalizeRequest", name: "twice" },
    );
    const { tenantId, job } = sampleJob();
    await store.create(tenantId, job);
    isTwice = true;

    expect(await store.replace(tenantId, job, 1)).toBe(true);
    expect(await store.replace(tenantId, job, 1)).toBe(false);

    isTwice = false;
    expect((await store.find(tenantId, job.id))?.rev).toBe(2);
    stop();
  });
});
