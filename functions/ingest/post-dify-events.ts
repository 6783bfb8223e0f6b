import * as v from "valibot";
import { readRun } from "../../shared/app/read/read-run.ts";
import { AppId, RunId, type TenantId } from "../../shared/contract/identifiers.ts";
import { millisecondsOf } from "../../shared/contract/instant.ts";
import { type DifyReading, difyEvents } from "../../shared/dify/event.ts";
import type { KnownNode } from "../../shared/dify/memory.ts";
import { readDifyStream } from "../../shared/dify/stream.ts";
import type { RecordingDependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import { isNdjson } from "./post-events.ts";
import { recordRequest } from "./record-request.ts";
import { bodyTextOf } from "./request-body.ts";
import { type RequestEvent, refusedEvent } from "./request-events.ts";

const parameters = {
  app_id: AppId,
  run_id: v.optional(RunId),
};

/** The node executions of a run that the ledger knows: frames without an execution id find theirs among them. */
const knownNodes = async (
  dependencies: RecordingDependencies,
  tenantId: TenantId,
  runId: string,
): Promise<KnownNode[]> => {
  const id = v.safeParse(RunId, runId);
  const run = id.success ? await readRun(dependencies, { tenantId, runId: id.output }) : undefined;
  return (run?.state.nodes ?? []).flatMap(({ nodeExecutionId, startedAt, fields }) => {
    const nodeId = fields.get("node_id");
    if (typeof nodeId !== "string" || startedAt === undefined) return [];
    return [{ runId, nodeId, nodeExecutionId, startedAt: millisecondsOf(startedAt) / 1000 }];
  });
};

/**
 * Frames to events. Where a piece of a stream begins after the start of a container that its frames belong to, the
 * container's execution is looked up in the ledger: the stream may be cut anywhere.
 */
const mapped = async (
  dependencies: RecordingDependencies,
  request: Request,
  stream: { frames: readonly string[]; appId: AppId; runId: RunId | undefined },
): Promise<DifyReading[]> => {
  const context = { appId: stream.appId, runId: stream.runId, now: dependencies.clock.now() };
  const readings = difyEvents(stream.frames, context);
  const guessed = new Set(
    readings.flatMap((reading) => ("event" in reading && reading.isGuess ? [reading.runId] : [])),
  );
  if (guessed.size === 0) return readings;
  const tenantId = tenantOf(request);
  const known = await Promise.all([...guessed].map((runId) => knownNodes(dependencies, tenantId, runId)));
  return difyEvents(stream.frames, { ...context, known: known.flat() });
};

const asEvent = (reading: DifyReading): RequestEvent[] => {
  if ("event" in reading) return [{ text: reading.event, value: JSON.parse(reading.event) as unknown }];
  if ("refused" in reading) return [{ refused: refusedEvent("INVALID_EVENT", [...reading.refused], reading.runId) }];
  return [];
};

/**
 * `POST /v1/dify/events?app_id=A&run_id=R`. It records at once, whatever the request prefers: the pieces of a stream find
 * in the ledger what the pieces before them began.
 */
export const postDifyEvents =
  (dependencies: RecordingDependencies): RouteHandler =>
  async (request) => {
    const read = readQuery(request, parameters);
    if ("code" in read) return read;
    const body = bodyTextOf(request);
    if ("code" in body) return body;
    const frames = readDifyStream(body.text, isNdjson(request) ? "ndjson" : "event-stream");
    const { app_id: appId, run_id: runId } = read.query;
    const readings = await mapped(dependencies, request, { frames, appId, runId });
    const ignored = readings.filter((reading) => "ignored" in reading).length;
    const events = readings.flatMap(asEvent);
    return recordRequest(dependencies, request, {
      events,
      source: "dify",
      extra: { ignored },
      isEmptyFine: body.text.trim() !== "",
    });
  };
