import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { eventBridgePublisher } from "../../shared/eventbridge/event-bridge-publisher.ts";
import { PublishFault } from "../../shared/ports/publish-fault.ts";
import type { DomainEvent } from "../../shared/ports/publisher.ts";
import { type EventBus, startEventBus, type WireEntry } from "../support/event-bus.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { clientOf, DEAD_ENDPOINT } from "./dynamo-tables.ts";
import { publisherContract } from "./publisher.ts";

const toldBy = ({ DetailType, Time, Detail }: WireEntry) => ({
  type: DetailType,
  at: Time,
  detail: JSON.parse(Detail) as unknown,
});

publisherContract("EventBridge", async () => {
  const bus = await startEventBus();
  const [client, dead] = [bus.endpoint, DEAD_ENDPOINT].map((endpoint) => new EventBridgeClient(clientOf(endpoint)));
  const publisherOf = (of: EventBridgeClient) => eventBridgePublisher(of, "bus", manualClock());
  return {
    publisher: publisherOf(client as EventBridgeClient),
    broken: publisherOf(dead as EventBridgeClient),
    told: () => bus.taken.map(toldBy),
    stop: async () => {
      client?.destroy();
      dead?.destroy();
      await bus.stop();
    },
  };
});

describe("EventBridge as a publisher, on the wire", () => {
  let bus: EventBus;
  let client: EventBridgeClient;
  let clock: ManualClock;
  let pauses: number[];

  beforeEach(async () => {
    bus = await startEventBus();
    client = new EventBridgeClient(clientOf(bus.endpoint));
    pauses = [];
    clock = manualClock();
    let before = clock.now();
    clock.duringSleep(async () => {
      pauses.push(clock.now() - before);
      before = clock.now();
    });
  });
  afterEach(async () => {
    client.destroy();
    await bus.stop();
  });

  const events = (count: number): DomainEvent[] =>
    Array.from({ length: count }, (_, index) => ({ type: "run.failed", at: undefined, detail: { index } }));
  const publish = (count: number): Promise<void> =>
    eventBridgePublisher(client, "runstone-dev", clock).publish(events(count));
  const indexes = (entries: readonly WireEntry[] | undefined): number[] =>
    (entries ?? []).map(({ Detail }) => (JSON.parse(Detail) as { index: number }).index);

  it("names the bus and the source, and leaves an unknown time to the bus", async () => {
    await publish(1);

    expect(bus.requests).toEqual([
      [{ EventBusName: "runstone-dev", Source: "runstone", DetailType: "run.failed", Detail: '{"index":0}' }],
    ]);
  });

  it("sends ten entries at a time, in their order", async () => {
    await publish(23);

    expect(bus.requests.map((entries) => entries.length)).toEqual([10, 10, 3]);
    expect(indexes(bus.taken)).toEqual(Array.from({ length: 23 }, (_, index) => index));
    expect(pauses).toEqual([]);
  });

  it("sends again only the entries that were not taken, together", async () => {
    bus.decide((entry, request) =>
      [1, 11].includes(indexes([entry])[0] ?? 0) && request <= 4 ? "ThrottlingException" : undefined,
    );

    await publish(12);

    expect(bus.requests.map(indexes).slice(2)).toEqual([
      [1, 11],
      [1, 11],
      [1, 11],
    ]);
    expect(indexes(bus.taken).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(pauses).toEqual([100, 400, 1600]);
  });

  it("throws after three further tries, with codes and counts and nothing of the events", async () => {
    bus.decide((entry) => (indexes([entry])[0] === 2 ? "InternalFailure" : undefined));

    const error: unknown = await publish(3).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(PublishFault);
    expect(error).toMatchObject({ message: "EventBridge did not take 1 of 3 events: InternalFailure" });
    expect(bus.requests.map(indexes)).toEqual([[0, 1, 2], [2], [2], [2]]);
  });

  it("is content when the last try succeeds", async () => {
    bus.decide((_entry, request) => (request < 4 ? "ThrottlingException" : undefined));

    await publish(1);

    expect(indexes(bus.taken)).toEqual([0]);
  });

  it("takes an entry that got no id for one that was not taken", async () => {
    bus.decide(() => "");

    await expect(publish(1)).rejects.toThrow(PublishFault);
  });

  it("ends with the fault of the request where the bus refuses all of it", async () => {
    bus.decide(() => {
      throw new Error("no such bus");
    });

    await expect(publish(1)).rejects.toThrow("EventBridge PutEvents failed: ValidationException");
    expect(pauses).toEqual([]);
  });
});
