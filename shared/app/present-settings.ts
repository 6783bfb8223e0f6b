import type { AppSettingsBody } from "../contract/app-settings.ts";
import { instantOf, showInstant } from "../contract/instant.ts";
import type { JsonOutput } from "../contract/json-text.ts";
import { RUN_STATUSES } from "../contract/run-status.ts";
import type { AppSettings } from "../domain/app-settings.ts";
import { SETTINGS_LAG_MS } from "../ports/settings-store.ts";

/** An app's settings as callers see them: every default filled in, and since when they hold everywhere. */
export const presentSettings = (
  appId: string,
  of: {
    readonly body: AppSettingsBody;
    /** Undefined where nothing was ever set. */
    readonly stored: AppSettings | undefined;
    /** How long runs are kept where no setting says otherwise (days). */
    readonly usualDays: number;
  },
): Readonly<Record<string, JsonOutput>> => {
  const { body, stored, usualDays } = of;
  const show = (time: number): string => showInstant(instantOf(time));
  return {
    app_id: appId,
    retention_days: Object.fromEntries(
      RUN_STATUSES.map((status) => [status, body.retention_days[status] ?? usualDays]),
    ),
    keep_last: body.keep_last,
    idle_timeout: body.idle_timeout,
    redact: { paths: body.redact.paths, detectors: body.redact.detectors },
    payload_mode: body.payload_mode,
    write_shards: body.write_shards,
    version: stored?.version ?? 0,
    updated_at: stored === undefined ? null : show(stored.updatedAt),
    effective_at: stored === undefined ? null : show(stored.updatedAt + SETTINGS_LAG_MS),
  };
};
