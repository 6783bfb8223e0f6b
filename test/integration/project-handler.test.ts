import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StreamHandler } from "../../functions/project/project.ts";
import { type EventBus, startEventBus } from "../support/event-bus.ts";

const batch = JSON.parse(readFileSync(join(__dirname, "../../events/dynamodb-stream/status-changes.json"), "utf8"));
const before = { ...process.env };

let bus: EventBus;
beforeEach(async () => {
  bus = await startEventBus();
  jest.resetModules();
});
afterEach(async () => {
  process.env = { ...before };
  await bus.stop();
});

/** The handler as Lambda loads it. */
const load = async (variables: Record<string, string>): Promise<StreamHandler> => {
  Object.assign(process.env, {
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    ...variables,
  });
  return (await import("../../functions/project/handler.ts")).handler;
};

test("the handler puts the changes of a batch on the bus that its environment names", async () => {
  const handler = await load({ EVENT_BUS_NAME: "runstone-dev-project-events" });

  await handler(batch);

  expect(bus.taken.map(({ EventBusName, DetailType }) => [EventBusName, DetailType])).toEqual([
    ["runstone-dev-project-events", "run.running"],
    ["runstone-dev-project-events", "run.running"],
    ["runstone-dev-project-events", "run.failed"],
    ["runstone-dev-project-events", "run.succeeded"],
  ]);
});

test("the handler does not load without the name of its bus", async () => {
  await expect(load({})).rejects.toThrow("EVENT_BUS_NAME");
  await expect(load({ EVENT_BUS_NAME: "" })).rejects.toThrow("EVENT_BUS_NAME must be set");
});
