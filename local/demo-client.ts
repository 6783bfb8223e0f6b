/** How the demo speaks to the stack: as any producer and reader would. */
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import type { Sample } from "./demo-samples.ts";
import type { Stack } from "./stack.ts";
import type { Trace, TraceNode } from "./trace-tree.ts";

const TENANT = "demo";
const EVENTS_PER_MESSAGE = 10;
const MESSAGES_PER_BATCH = 10;
/** SQS takes 1 MiB in a message, and as much in all messages of a batch. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** Resolves to the number of requests it took. Throws where not every event was accepted. */
export async function recordOverHttp(stack: Stack, sample: Sample): Promise<number> {
  const isDify = sample.way === "/v1/dify/events";
  const answer = await ask(stack, isDify ? `${sample.way}?app_id=dify-demo` : sample.way, {
    method: "POST",
    headers: { "content-type": isDify ? "text/event-stream" : "application/x-ndjson" },
    body: sample.events.join(isDify ? "\n\n" : "\n").concat(isDify ? "\n\n" : "\n"),
  });
  const { accepted, rejected, unavailable } = answer as Record<"accepted" | "rejected" | "unavailable", number>;
  if (accepted === 0 || rejected + unavailable > 0) {
    throw new Error(`not all events of ${sample.runId} were accepted: ${JSON.stringify(answer)}`);
  }
  return 1;
}

/** Sends a run's events, packed a few to a message. Resolves to the number of requests it took. */
export async function sendToQueue(stack: Stack, sample: Sample): Promise<number> {
  const messages = chunk(sample.events.map(withTenant), EVENTS_PER_MESSAGE).map((events) => `[${events.join(",")}]`);
  const batches = chunk(messages, MESSAGES_PER_BATCH);
  for (const batch of batches) {
    if (Buffer.byteLength(batch.join("")) > MAX_BATCH_BYTES)
      throw new Error(`${sample.runId} is too large for a batch`);
    const Entries = batch.map((body, position) => ({
      Id: String(position),
      MessageBody: body,
      MessageGroupId: TENANT,
    }));
    const command = new SendMessageBatchCommand({ QueueUrl: stack.queueUrl, Entries });
    const { Failed = [] } = await stack.clients.sqs.send(command);
    if (Failed.length > 0) throw new Error(`the queue did not take ${sample.runId}: ${Failed[0]?.Message}`);
  }
  return batches.length;
}

/** The whole trace, all pages of it. Throws where the run cannot be read. */
export async function readTrace(stack: Stack, runId: string): Promise<Trace> {
  const nodes: TraceNode[] = [];
  let cursor: string | null = null;
  for (;;) {
    const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page = (await ask(stack, `/v1/runs/${runId}/trace${query}`)) as Trace & { next_cursor: string | null };
    nodes.push(...page.nodes);
    cursor = page.next_cursor;
    if (cursor === null) return { ...page, nodes };
  }
}

async function ask(stack: Stack, path: string, request: RequestInit = {}): Promise<unknown> {
  const headers = { ...request.headers, authorization: `Bearer ${stack.keys.demo}` };
  const response = await fetch(stack.apiUrl + path, { ...request, headers });
  if (response.status !== 200) {
    throw new Error(`${request.method ?? "GET"} ${path} answered ${response.status}: ${await response.text()}`);
  }
  return response.json();
}

/** Put in as text: the rest of the event goes out as it is, digits and all. */
const withTenant = (event: string): string => event.replace("{", `{"tenant_id":"${TENANT}",`);

function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) =>
    items.slice(part * size, (part + 1) * size),
  );
}
