import { presentSettings } from "../../shared/app/present-settings.ts";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, tenantOf } from "../../shared/lambda/request.ts";
import { noteInAudit } from "./audited.ts";
import { readJson } from "./request-json.ts";

/** `"3"` or `3`; undefined where it is no version. */
const versionIn = (header: string): number | undefined => {
  const digits = /^\s*"?(\d{1,15})"?\s*$/.exec(header)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/**
 * `PUT /v1/apps/{app_id}/settings`: replaces them whole; what is left out has its default. With `If-Match` only where
 * they are of that version. They hold for what is recorded after `effective_at`.
 */
export const putSettings =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const { settings, clock, retentionDays } = dependencies;
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const read = readJson(request, AppSettingsBody);
    if ("code" in read) return read;
    const tenantId = tenantOf(request);
    const version = (await settings.find(tenantId, appId))?.version ?? 0;
    const expected = request.header("if-match");
    if (expected !== undefined && expected.trim() !== "*" && versionIn(expected) !== version) {
      return refuse("PRECONDITION_FAILED", `the settings are of version ${version}`);
    }
    const stored = await settings.put({ tenantId, appId }, read.body, { version, updatedAt: clock.now() });
    if (stored === undefined)
      return refuse("SETTINGS_CHANGED", "somebody else changed the settings meanwhile: read them again");
    const shown = presentSettings(appId, { body: read.body, stored, usualDays: retentionDays });
    await noteInAudit(dependencies, request, { action: "settings.changed", details: shown });
    return jsonAnswer(shown);
  };
