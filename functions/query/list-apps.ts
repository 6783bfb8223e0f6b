import * as v from "valibot";
import { instantOf, showInstant } from "../../shared/contract/instant.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { tenantOf } from "../../shared/lambda/request.ts";

const parameters = {
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

/** `GET /v1/apps`: in order of app id. Activity is the start of runs: the oldest that is kept (or when the app was first seen), the newest. */
export const listApps =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, v.string());
    if ("code" in read) return read;
    const tenantId = tenantOf(request);
    const { limit } = read.query;
    const found = await dependencies.apps.list(tenantId, { after: read.position, limit: limit + 1 });
    const apps = found.slice(0, limit);
    const data = await Promise.all(
      apps.map(async ({ appId, registeredAt }) => {
        const one = { tenantId, appId, status: undefined, after: undefined, limit: 1 };
        const [newest, oldest] = await Promise.all([
          dependencies.runs.list(one),
          dependencies.runs.list({ ...one, isOldestFirst: true }),
        ]);
        const registered = instantOf(registeredAt);
        const last = newest.headers[0]?.listedAt ?? registered;
        // A run that is recorded afterwards has started before its app was known.
        const [first = last] = [registered, oldest.headers[0]?.listedAt ?? registered].sort();
        return { app_id: appId, first_activity_at: showInstant(first), last_activity_at: showInstant(last) };
      }),
    );
    return jsonAnswer({ data, ...endOfPage(request, found.length > limit ? apps.at(-1)?.appId : undefined) });
  };
