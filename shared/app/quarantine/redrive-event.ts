import { type EventReading, type InputError, readEvent } from "../../contract/event.ts";
import type { TenantId } from "../../contract/identifiers.ts";
import type { Redaction } from "../../contract/redaction.ts";
import type { QuarantinePosition } from "../../domain/quarantine.ts";
import { hasExpired } from "../../domain/retention.ts";
import type { QuarantineStore } from "../../ports/quarantine-store.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import { GONE } from "../record/gone-run.ts";
import type { EventResult } from "../record/received-event.ts";
import { type RecordDependencies, recordEvents } from "../record/record-events.ts";
import { redactEvents } from "../redaction/redact-events.ts";
import { type GoneRuns, goneRuns } from "./gone-runs.ts";

/** What redriving works on. */
export interface RedriveDependencies extends RecordDependencies {
  readonly quarantine: QuarantineStore;
}

/** What became of an event that was recorded again. */
export type RedriveResult = { readonly position: QuarantinePosition; readonly runId: string | undefined } & (
  | { readonly status: "redriven" }
  | { readonly status: "still_refused"; readonly code: string; readonly errors: readonly InputError[] }
  | { readonly status: "unavailable"; readonly fault: StoreFault }
);

/** A quarantined event with its JSON. */
export interface QuarantinedEvent {
  readonly position: QuarantinePosition;
  readonly text: string;
  readonly redaction: Redaction | undefined;
}

/** Quarantined events were JSON when they came; a body that no longer is stays where it is. */
const read = (text: string, now: number): EventReading => {
  try {
    return readEvent({ text, value: JSON.parse(text) as unknown }, { now, isFromQueue: true });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const errors = [{ path: "", message: "expected JSON" }];
    return { ok: false, code: "NOT_JSON", errors, id: undefined, runId: undefined, tenantId: undefined };
  }
};

const saysGone = (code: string): boolean => Object.values(GONE).some((reasons) => reasons.code === code);

/**
 * Takes an event that was recorded out of quarantine, and one whose run is gone; any other that was refused again stays,
 * with the new reasons.
 */
const settle = async (
  { quarantine, goneAs }: { readonly quarantine: QuarantineStore; readonly goneAs: GoneRuns },
  tenantId: TenantId,
  done: { readonly position: QuarantinePosition; readonly result: EventResult },
): Promise<RedriveResult> => {
  const { position, result } = done;
  const { runId } = result;
  if (result.status === "unavailable") return { position, runId, status: "unavailable", fault: result.fault };
  try {
    if (result.status === "accepted") {
      await quarantine.remove(tenantId, position);
      return { position, runId, status: "redriven" };
    }
    const gone = saysGone(result.code) ? undefined : await goneAs(tenantId, runId);
    const { code, errors } = gone === undefined ? result : GONE[gone];
    if (saysGone(code)) await quarantine.remove(tenantId, position);
    else await quarantine.replaceReasons(tenantId, position, { code, errors });
    return { position, runId, status: "still_refused", code, errors };
  } catch (fault) {
    // Recorded, perhaps, and still in quarantine: recording it once more changes nothing.
    if (!(fault instanceof StoreFault)) throw fault;
    return { position, runId, status: "unavailable", fault };
  }
};

/** Records events of one tenant again together: those of one run become one ledger entry. One result an event, in order. */
export const redriveEvents = async (
  dependencies: RedriveDependencies,
  tenantId: TenantId,
  events: readonly QuarantinedEvent[],
): Promise<RedriveResult[]> => {
  const now = dependencies.clock.now();
  const received = events.map(({ text, redaction }) => ({ tenantId, text, redaction, reading: read(text, now) }));
  const results = await recordEvents(dependencies, await redactEvents(dependencies, received), "queue");
  const of = { quarantine: dependencies.quarantine, goneAs: goneRuns(dependencies) };
  return Promise.all(
    events.map(({ position }, place) => settle(of, tenantId, { position, result: results[place] as EventResult })),
  );
};

/**
 * Records one quarantined event again, as if it came off the queue now. Undefined where there is none at this position.
 * Safe to repeat: where it was recorded and could not be removed, it is recorded as the same event again.
 */
export const redriveEvent = async (
  dependencies: RedriveDependencies,
  tenantId: TenantId,
  position: QuarantinePosition,
): Promise<RedriveResult | undefined> => {
  const message = await dependencies.quarantine.find(tenantId, position);
  if (message === undefined || hasExpired(message.expiresAt, dependencies.clock.now())) return undefined;
  const text = await message.readBody();
  if (text === undefined) return undefined;
  const { redaction } = message;
  return (await redriveEvents(dependencies, tenantId, [{ position, text, redaction }]))[0];
};
