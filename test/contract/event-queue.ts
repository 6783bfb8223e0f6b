import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import type { EventQueue, QueueOutcome } from "../../shared/ports/event-queue.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import type { Subject } from "./stored-faults.ts";

const tenantId = v.parse(TenantId, "demo");
const MEGABYTE = 1024 * 1024;

/** What every EventQueue keeps of its port's promises. `take` empties the queue and gives the bodies of its messages. */
export const eventQueueContract = (
  name: string,
  start: () => Promise<Subject<EventQueue> & { take(): Promise<string[]> }>,
): void => {
  describe(`${name} as an event queue`, () => {
    let subject: Awaited<ReturnType<typeof start>>;
    let queue: EventQueue;
    beforeAll(async () => {
      subject = await start();
      queue = subject.store;
    });
    afterAll(() => subject.stop());

    const statuses = (outcomes: readonly QueueOutcome[]): string[] => outcomes.map(({ status }) => status);
    const padded = (characters: number): string => `{"a":"${"x".repeat(characters - 8)}"}`;

    it("delivers every event with its text, in one message where they fit", async () => {
      const events = ['{"n" : 12345678901234567890, "x":1.0}', '{"s":"\\u00e9\\ud83d\\ude00é😀\\n"}', "{\t\r\n}"];

      expect(statuses(await queue.send(tenantId, events))).toEqual(["queued", "queued", "queued"]);
      expect(await subject.take()).toEqual([`{"events":[${events.join(",")}]}`]);
    });

    it("delivers nothing where there is nothing to send", async () => {
      expect(await queue.send(tenantId, [])).toEqual([]);
      expect(await subject.take()).toEqual([]);
    });

    it("delivers characters that a queue cannot carry as escapes", async () => {
      const events = ['{"\uffff":"a\ufffe\\\\\uffff\ud800b\u{1ffff}"}'];

      await queue.send(tenantId, events);

      const [body = ""] = await subject.take();
      expect(body).toBe('{"events":[{"\\uffff":"a\\ufffe\\\\\\uffff\\ud800b\u{1ffff}"}]}');
      expect(JSON.parse(body)).toEqual({ events: [JSON.parse(events[0] as string)] });
    });

    it("delivers beside events, by their places in the message, what redaction did to them", async () => {
      const events = [padded(800_000), '{"n":1}', '{"n":2}', padded(700_000), '{"n":3}'];
      const redactionOf = (fields: string[]) => ({ digest: "0123456789abcdef".repeat(2), fields });
      const [second, last] = [redactionOf(["inputs"]), redactionOf(["a \ufffe", '"'])];

      const outcomes = await queue.send(
        tenantId,
        events,
        new Map([
          [1, second],
          [4, last],
        ]),
      );

      expect(statuses(outcomes)).toEqual(Array(5).fill("queued"));
      const bodies = (await subject.take()).map((body) => JSON.parse(body) as { events: object[]; redactions: object });
      bodies.sort((a, b) => b.events.length - a.events.length);
      expect(bodies.map((body) => body.redactions)).toEqual([{ 1: second }, { 1: last }]);
    });

    it("delivers no message that what redaction did would make too long", async () => {
      const redaction = { digest: "0123456789abcdef".repeat(2), fields: ["x".repeat(600_000)] };

      const outcomes = await queue.send(tenantId, [padded(600_000), "{}"], new Map([[0, redaction]]));

      expect(statuses(outcomes)).toEqual(["too-large", "queued"]);
      expect(await subject.take()).toEqual(['{"events":[{}]}']);
    });

    it("spreads events over as many messages as they need, each event once", async () => {
      const events = [600_000, 500_000, 400_000, 700_000, 300_000].map(padded);

      expect(statuses(await queue.send(tenantId, events))).toEqual(Array(5).fill("queued"));
      const bodies = await subject.take();
      expect(bodies).toHaveLength(3);
      for (const body of bodies) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MEGABYTE);
      const delivered = bodies.flatMap((body) => (JSON.parse(body) as { events: object[] }).events);
      expect(delivered.map((event) => JSON.stringify(event).length).sort()).toEqual(
        events.map(({ length }) => length).sort(),
      );
    });

    it("counts what stands between events", async () => {
      const events = Array.from({ length: 400_000 }, () => "{}");

      expect(new Set(statuses(await queue.send(tenantId, events)))).toEqual(new Set(["queued"]));
      expect((await subject.take()).map(({ length }) => length <= MEGABYTE)).toEqual([true, true]);
    });

    it("says of an event that fits no message, and queues the others", async () => {
      const events = [padded(10), padded(MEGABYTE), `{"a":"${"\uffff".repeat(200_000)}"}`, padded(11)];

      const outcomes = await queue.send(tenantId, events);

      expect(statuses(outcomes)).toEqual(["queued", "too-large", "too-large", "queued"]);
      expect(await subject.take()).toEqual([`{"events":[${events[0]},${events[3]}]}`]);
    });

    it("takes a tenant's name of any form", async () => {
      for (const id of ["x".repeat(128), "a.b_c:d-e", "..", ":"]) {
        expect(statuses(await queue.send(v.parse(TenantId, id), ["{}"]))).toEqual(["queued"]);
      }
      expect(await subject.take()).toHaveLength(4);
    });

    it("says of each event that it can be sent again where the queue is out of reach", async () => {
      const outcomes = await subject.broken.send(tenantId, ["{}", padded(MEGABYTE), "{}"]);

      expect(statuses(outcomes)).toEqual(["unavailable", "too-large", "unavailable"]);
      const [first] = outcomes;
      expect(first?.status === "unavailable" && first.fault).toBeInstanceOf(StoreFault);
    });
  });
};
