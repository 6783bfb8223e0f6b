import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** An entry of PutEvents on the wire. */
export interface WireEntry {
  readonly EventBusName: string;
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
  /** Seconds since 1970. */
  readonly Time?: number;
}

/** What a bus says of an entry: a code where it does not take it. */
export type Verdict = (entry: WireEntry, request: number) => string | undefined;

/** A server that speaks as much of EventBridge's wire as PutEvents is. */
export interface EventBus {
  readonly endpoint: string;
  /** The entries of each request. */
  readonly requests: readonly (readonly WireEntry[])[];
  /** Entries that were taken. */
  readonly taken: readonly WireEntry[];
  /** From now on. */
  decide(verdict: Verdict): void;
  stop(): Promise<void>;
}

const PUT_EVENTS = "AWSEvents.PutEvents";

/** Takes everything until it is told otherwise. */
export const startEventBus = async (): Promise<EventBus> => {
  const requests: WireEntry[][] = [];
  const taken: WireEntry[] = [];
  let decide: Verdict = () => undefined;

  const answer = async (request: IncomingMessage): Promise<object> => {
    expect(request.headers["x-amz-target"]).toBe(PUT_EVENTS);
    const { Entries } = (await json(request)) as { Entries: WireEntry[] };
    requests.push(Entries);
    const results = Entries.map((entry) => {
      const code = decide(entry, requests.length);
      if (code !== undefined) return { ErrorCode: code, ErrorMessage: `not now: ${entry.Detail}` };
      taken.push(entry);
      return { EventId: randomUUID() };
    });
    return { FailedEntryCount: results.filter((result) => "ErrorCode" in result).length, Entries: results };
  };

  const server = createServer((request, response) => {
    answer(request).then(
      (body) => response.setHeader("content-type", "application/x-amz-json-1.1").end(JSON.stringify(body)),
      () => response.writeHead(400).end(JSON.stringify({ __type: "ValidationException" })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    taken,
    decide: (verdict) => {
      decide = verdict;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
