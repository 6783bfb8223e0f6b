import type { InputError } from "../contract/event.ts";
import { type Found, found, guessed, type Mapping } from "./mapping.ts";
import { isUnixTime } from "./unix-time.ts";

const NO_TIME = "expected a time (seconds since 1970)";

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

const nearbyTime = ({ frame, runId, memory, context }: Mapping): number => {
  const ofMessage = isUnixTime(frame.messageSeconds) ? frame.messageSeconds : undefined;
  return memory.lastTime(runId) ?? ofMessage ?? context.now / 1000;
};

/** A log has no time: it takes its node's start, and its end comes a millisecond after its beginning. */
const anchorTime = (mapping: Mapping, nodeExecutionId: string | undefined): Found<number> => {
  const { frame, kind, runId, memory } = mapping;
  if (isUnixTime(frame.values["created_at"])) return found(frame.values["created_at"]);
  const node = memory.execution(runId, nodeExecutionId ?? "");
  const isLogEnd = kind.type === "agent.logged" && frame.values["status"] !== "start";
  const later = isLogEnd ? 0.001 : 0;
  return node === undefined ? guessed(nearbyTime(mapping) + later) : found(node.startedAt + later);
};

/** When it happened, in seconds since 1970; an error where a frame that carries a time carries none. */
export const timeOf = (mapping: Mapping, nodeExecutionId: string | undefined): Found<number> | InputError => {
  const { frame, kind, runId, memory } = mapping;
  const { created_at: createdAt, finished_at: finishedAt, elapsed_time: elapsedTime } = frame.values;
  const isElapsed = isUnixTime(elapsedTime);
  switch (kind.time) {
    case "start":
      return isUnixTime(createdAt) ? found(createdAt) : { path: "data.created_at", message: NO_TIME };
    case "end":
      if (isUnixTime(finishedAt)) return found(finishedAt);
      if (!isAbsent(finishedAt)) return { path: "data.finished_at", message: NO_TIME };
      if (!isUnixTime(createdAt)) return { path: "data.created_at", message: NO_TIME };
      return found(createdAt + (isElapsed ? elapsedTime : 0));
    case "pause":
      if (isUnixTime(createdAt)) return found(createdAt + (isElapsed ? elapsedTime : 0));
      if (!isAbsent(createdAt)) return { path: "data.created_at", message: NO_TIME };
      return found(nearbyTime(mapping));
    case "expiry": {
      const expiresAt = frame.values["expiration_time"];
      return isUnixTime(expiresAt) ? found(expiresAt) : anchorTime(mapping, nodeExecutionId);
    }
    case "resumption": {
      const resumedAt = memory.lastResumption(runId);
      return resumedAt === undefined ? anchorTime(mapping, nodeExecutionId) : found(resumedAt);
    }
    case "anchor":
      return anchorTime(mapping, nodeExecutionId);
  }
};
