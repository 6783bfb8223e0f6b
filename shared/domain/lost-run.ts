import type { FieldValue } from "../contract/event.ts";
import type { AppId, RunId } from "../contract/identifiers.ts";
import { instantOf, showInstant } from "../contract/instant.ts";
import { JsonText } from "../contract/json-text.ts";
import { identify } from "./fold/identity.ts";
import type { IdentifiedEvent } from "./fold/ledger.ts";

/** The code of the error that a run is closed with which gave no sign of life. */
const RUN_LOST = "RUN_LOST";

/** When a run is lost (milliseconds since 1970), by its last sign of life and how long it may be silent (seconds). */
export const lostAt = (lastSignAt: number, idleSeconds: number): number => lastSignAt + Math.ceil(idleSeconds * 1000);

/** A run that went silent. */
export interface SilentRun {
  readonly runId: RunId;
  readonly appId: AppId | undefined;
  readonly epoch: number;
  /** The receipt of its newest entry (milliseconds since 1970). */
  readonly lastSignAt: number;
  readonly idleSeconds: number;
}

/**
 * The service's own end of a run that went silent (contract, section 5). It is made of what is known of the run alone:
 * whoever finds the same run silent says the same event. One is enough for an epoch.
 */
export const lostRunEvent = (run: SilentRun): IdentifiedEvent => {
  const { runId, appId, epoch, lastSignAt, idleSeconds } = run;
  const at = instantOf(lostAt(lastSignAt, idleSeconds));
  const id = `${RUN_LOST}:${epoch}`;
  const error = JSON.stringify({ code: RUN_LOST, message: `no sign of life for ${idleSeconds} seconds` });
  const fields = new Map<string, FieldValue>([
    ["status", "failed"],
    ["error", new JsonText(error)],
  ]);
  const type = "run.finished";
  const told = { type, run_id: runId, app_id: appId, at: showInstant(at), epoch, status: "failed" };
  const text = `${JSON.stringify(told).slice(0, -1)},"error":${error}}`;
  return identify({ type, runId, at, epoch, id, appId, fields, payload: [] }, text);
};
