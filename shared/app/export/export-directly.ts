import type { AppId, TenantId } from "../../contract/identifiers.ts";
import { type ExportForm, type JobPlace, NOTHING_EXPORTED } from "../../domain/job.ts";
import type { RunFilter } from "../../domain/run-filter.ts";
import { listJobRuns } from "../jobs/list-job-runs.ts";
import type { ListStores } from "../lists/run-lists.ts";
import { addCounts, type ExportSource, exportRun, firstLine, lastLine } from "./export-lines.ts";

/** An export that is to be an answer. */
export interface DirectExport {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  readonly filter: RunFilter;
  readonly form: ExportForm;
  readonly mostBytes: number;
  hasTime(): boolean;
}

const RUNS_A_PAGE = 20;

/** The whole of an export. Undefined where it is larger, or takes longer, than an answer may. */
export const exportDirectly = async (
  stores: ExportSource & ListStores,
  asked: DirectExport,
): Promise<string | undefined> => {
  const { tenantId, appId, filter, form, mostBytes, hasTime } = asked;
  const lines: string[] = [];
  let bytes = 0;
  const add = (line: string): boolean => {
    lines.push(line);
    bytes += Buffer.byteLength(line) + 1;
    return bytes <= mostBytes && hasTime();
  };
  add(firstLine({ appId, filter, ...form, at: stores.clock.now() }));
  let counts = NOTHING_EXPORTED;
  let place: JobPlace = "begin";
  while (place !== "end") {
    if (!hasTime()) return undefined;
    const page = await listJobRuns(stores, tenantId, { appId, filter, place, limit: RUNS_A_PAGE });
    for (const { runId } of page.headers) {
      const before = { lines: lines.length, bytes };
      const run = exportRun(stores, { tenantId, runId }, form);
      let line = await run.next();
      for (; !line.done; line = await run.next()) if (!add(line.value)) return undefined;
      if (line.value !== undefined) counts = addCounts(counts, line.value);
      else [lines.length, bytes] = [before.lines, before.bytes];
    }
    place = page.place;
  }
  return add(lastLine(counts)) ? `${lines.join("\n")}\n` : undefined;
};
