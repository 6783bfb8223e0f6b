import type { AppId, RunKey } from "../../contract/identifiers.ts";
import { isRunLevel, smallestApp } from "../../domain/fold/run-fold.ts";
import { isTombstone, type RunStore } from "../../ports/run-store.ts";

/**
 * The app of a run, for events that do not name one: as events that came together say, the run's own before others, else
 * as its header says. Undefined where nobody knows yet.
 */
export const appOfRun = async (
  runs: Pick<RunStore, "find">,
  run: RunKey,
  events: readonly { readonly type: string; readonly appId: AppId | undefined }[],
): Promise<AppId | undefined> => {
  const told = events.find((event) => isRunLevel(event) && event.appId !== undefined)?.appId ?? smallestApp(events);
  if (told !== undefined) return told;
  const header = await runs.find(run);
  return header === undefined || isTombstone(header) ? undefined : header.row.appId;
};
