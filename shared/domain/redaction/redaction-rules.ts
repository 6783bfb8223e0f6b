import type { DetectorName, PayloadMode } from "../../contract/app-settings.ts";
import type { AppId } from "../../contract/identifiers.ts";
import type { AppSettings, TenantSettings } from "../app-settings.ts";

/** What must not be kept of an event. */
export interface RedactionRules {
  /** In the form of `readRedactionPath`. */
  readonly paths: readonly string[];
  readonly detectors: readonly DetectorName[];
  readonly payloadMode: PayloadMode;
}

const hasRules = ({ redact, payload_mode: mode }: AppSettings): boolean =>
  mode === "metadata_only" || (redact.paths?.length ?? 0) > 0 || (redact.detectors?.length ?? 0) > 0;

const union = (settings: readonly AppSettings[]): RedactionRules | undefined => {
  const strict = settings.filter(hasRules);
  if (strict.length === 0) return undefined;
  return {
    paths: [...new Set(strict.flatMap(({ redact }) => redact.paths ?? []))],
    detectors: [...new Set(strict.flatMap(({ redact }) => redact.detectors ?? []))],
    payloadMode: strict.some(({ payload_mode: mode }) => mode === "metadata_only") ? "metadata_only" : "full",
  };
};

/** The rules of an app; undefined where it has none. */
export const rulesOfApp = (tenant: TenantSettings, appId: AppId): RedactionRules | undefined => {
  const settings = tenant.apps.get(appId);
  return settings && union([settings]);
};

/** The rules of all apps of a tenant together, for what may belong to any of them; undefined where none has rules. */
export const rulesOfTenant = (tenant: TenantSettings): RedactionRules | undefined => union([...tenant.apps.values()]);

/** The rules of several tenants together, for what may belong to any of them. */
export const rulesOfTenants = (tenants: readonly TenantSettings[]): RedactionRules | undefined =>
  union(tenants.flatMap(({ apps }) => [...apps.values()]));
