import type * as v from "valibot";
import type { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import type { Service } from "./service.ts";

/** Settings of an app as a caller writes them. */
export type WrittenSettings = v.InferInput<typeof AppSettingsBody>;

/** Sets what holds for an app. Throws where it is not taken. */
export const setApp = async (
  service: Service,
  appId: string,
  settings: WrittenSettings,
  tenant = "demo",
): Promise<void> => {
  const reply = await service.put({
    resource: "/v1/apps/{app_id}/settings",
    path: { app_id: appId },
    body: JSON.stringify(settings),
    tenant,
  });
  if (reply.status !== 200) throw new Error(`the settings were not taken: ${reply.text}`);
};
