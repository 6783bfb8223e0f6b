import { PublishFault } from "../../shared/ports/publish-fault.ts";
import type { DomainEvent, Publisher } from "../../shared/ports/publisher.ts";

/** What a listener got to know. */
export interface Told {
  readonly type: string;
  /** Seconds since 1970. */
  readonly at: number | undefined;
  readonly detail: unknown;
}

/** A publisher, the same out of reach, and what a listener of the first got to know so far. */
export interface PublisherSubject {
  readonly publisher: Publisher;
  readonly broken: Publisher;
  told(): Promise<readonly Told[]> | readonly Told[];
  stop(): Promise<void> | void;
}

const AT = Date.parse("2026-11-22T10:00:05Z");

const events = (count: number): DomainEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    type: index % 2 === 0 ? "run.running" : "run.partial-succeeded",
    at: AT + index * 1000,
    detail: { run_id: `run-${index}`, version: index, tags: ["ä", '"\n'], error: null },
  }));

const told = (some: readonly DomainEvent[]): Told[] =>
  some.map(({ type, at, detail }) => ({ type, at: at && at / 1000, detail }));

/** What every publisher keeps: see the port. */
export const publisherContract = (name: string, start: () => Promise<PublisherSubject>): void => {
  describe(`${name} as a publisher`, () => {
    let subject: PublisherSubject;
    beforeEach(async () => {
      subject = await start();
    });
    afterEach(() => subject.stop());

    it("tells every event with its type, time and detail, however many", async () => {
      await subject.publisher.publish(events(25));

      expect(await subject.told()).toEqual(told(events(25)));
    });

    it("tells nothing where there is nothing", async () => {
      await subject.publisher.publish([]);

      expect(await subject.told()).toEqual([]);
    });

    it("tells events again when it is called again", async () => {
      await subject.publisher.publish(events(2));
      await subject.publisher.publish(events(2));

      expect(await subject.told()).toEqual(told([...events(2), ...events(2)]));
    });

    it("throws a PublishFault with its cause where it is out of reach", async () => {
      const error: unknown = await subject.broken.publish(events(1)).catch((reason: unknown) => reason);

      expect(error).toBeInstanceOf(PublishFault);
      expect(error).toMatchObject({ cause: expect.anything() });
      expect(await subject.told()).toEqual([]);
    });
  });
};
