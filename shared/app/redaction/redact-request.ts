import * as v from "valibot";
import type { EventType } from "../../contract/event-fields.ts";
import type { AppId, RunKey, TenantId } from "../../contract/identifiers.ts";
import type { RunFilter } from "../../domain/run-filter.ts";
import type { RunStore } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import { appOfRun } from "../record/app-of-run.ts";
import { tenantRedactors } from "./tenant-redactors.ts";

/** Texts of a request that a run's events have fields for, by the names of these. */
const Texts = v.object({
  reason: v.optional(v.string()),
  created_by: v.optional(v.string()),
  triggered_from: v.optional(v.string()),
  workflow_version: v.optional(v.string()),
  tags: v.optional(v.array(v.string())),
});
type Texts = v.InferOutput<typeof Texts>;

/** What the rules of an app leave of texts that stand in a request: as much as of the same fields of an event. */
const redactTexts = async (
  settings: SettingsStore,
  of: { readonly tenantId: TenantId; readonly appId: AppId | undefined },
  { type, ...texts }: Texts & { readonly type: EventType },
): Promise<Texts> => {
  const redactors = await tenantRedactors(settings, of.tenantId);
  if (redactors === undefined) return texts;
  return v.parse(Texts, JSON.parse(redactors(of.appId).event(JSON.stringify({ type, ...texts })).text));
};

/** The reason for something that is done with a run, as far as it may be kept. Throws StoreFault. */
export const redactReason = async (
  { settings, runs }: { readonly settings: SettingsStore; readonly runs: Pick<RunStore, "find"> },
  run: RunKey,
  reason: string,
): Promise<string | undefined> => {
  const appId = await appOfRun(runs, run, []);
  return (await redactTexts(settings, { tenantId: run.tenantId, appId }, { type: "run.resumed", reason })).reason;
};

/** A filter as far as it may be kept and shown: it may find other runs, or none. Throws StoreFault. */
export const redactFilter = async (
  settings: SettingsStore,
  app: { readonly tenantId: TenantId; readonly appId: AppId },
  filter: RunFilter,
): Promise<RunFilter> => {
  const left = await redactTexts(settings, app, {
    type: "run.started",
    created_by: filter.createdBy,
    triggered_from: filter.triggeredFrom,
    workflow_version: filter.workflowVersion,
    tags: [...filter.tags],
  });
  return {
    ...filter,
    createdBy: left.created_by,
    triggeredFrom: left.triggered_from,
    workflowVersion: left.workflow_version,
    tags: left.tags ?? [],
  };
};
