import type { StoreFault } from "../ports/store-fault.ts";
import type { Log } from "./log.ts";
import type { Request } from "./request.ts";

/** What became of one event: with the store's fault where it was not taken. */
interface EventOutcome {
  readonly status: string;
  readonly fault?: StoreFault;
}

/** Logs how many events of a request the store did not take, with the first fault: that is nobody's mistake. */
export const logUnavailable = (
  { log }: { readonly log: Log },
  request: Request,
  of: { readonly message: string; readonly results: readonly EventOutcome[] },
): void => {
  const faults = of.results.flatMap(({ status, fault }) => (status === "unavailable" ? [fault] : []));
  if (faults.length === 0) return;
  log({ level: "error", message: of.message, request_id: request.requestId, events: faults.length, error: faults[0] });
};
