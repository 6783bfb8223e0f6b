import type { AppId } from "../../contract/identifiers.ts";
import type { TenantSettings } from "../app-settings.ts";
import { rulesOfApp, rulesOfTenant } from "./redaction-rules.ts";

/**
 * Whether an app takes no uploads: what nobody looks into cannot be redacted, nor left out. An app that is not known yet
 * takes none where any app of the tenant takes none.
 */
export const refusesUploads = (tenant: TenantSettings, appId: AppId | undefined): boolean =>
  (appId === undefined ? rulesOfTenant(tenant) : rulesOfApp(tenant, appId)) !== undefined;
