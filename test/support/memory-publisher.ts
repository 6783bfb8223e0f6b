import { PublishFault } from "../../shared/ports/publish-fault.ts";
import type { DomainEvent, Publisher } from "../../shared/ports/publisher.ts";

/** A publisher that keeps what it is told. */
export interface MemoryPublisher extends Publisher {
  readonly events: readonly DomainEvent[];
  /** The next so many calls throw. */
  failNext(calls: number): void;
}

/** Nothing published yet. */
export const memoryPublisher = (): MemoryPublisher => {
  const events: DomainEvent[] = [];
  let failing = 0;
  return {
    events,
    failNext: (calls) => {
      failing = calls;
    },
    publish: async (some) => {
      if (failing-- > 0) throw new PublishFault("out of reach", { cause: new Error("told to fail") });
      events.push(...some);
    },
  };
};
