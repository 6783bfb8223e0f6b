import * as v from "valibot";
import { presentSettings } from "../../shared/app/present-settings.ts";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, tenantOf } from "../../shared/lambda/request.ts";

/** What holds for an app that nothing was set for. */
const DEFAULTS = v.parse(AppSettingsBody, {});

/** `GET /v1/apps/{app_id}/settings`: with the defaults where nothing was set, also of an app that has no runs yet. */
export const getSettings =
  ({ settings, retentionDays }: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const stored = await settings.find(tenantOf(request), appId);
    return jsonAnswer(presentSettings(appId, { body: stored ?? DEFAULTS, stored, usualDays: retentionDays }));
  };
