import * as v from "valibot";
import type { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { type Instant, instantOf, showInstant } from "../../shared/contract/instant.ts";
import { shardsToRead } from "../../shared/domain/app-settings.ts";
import { hasExpired } from "../../shared/domain/retention.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { tenantOf } from "../../shared/lambda/request.ts";

const parameters = {
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

/** When the newest or the oldest run of an app's lists started, over all shards. A run that has expired tells nothing. */
const endOfLists = async (
  { runs, clock }: Dependencies,
  app: { tenantId: TenantId; appId: AppId; shards: number; isOldestFirst: boolean },
): Promise<Instant | undefined> => {
  const { tenantId, appId, shards, isOldestFirst } = app;
  const part = { tenantId, appId, status: undefined, after: undefined, limit: 1, isOldestFirst };
  const pages = await Promise.all(Array.from({ length: shards }, (_, shard) => runs.list({ ...part, shard })));
  const ends = pages
    .flatMap(({ headers }) => headers)
    .filter(({ expiresAt }) => !hasExpired(expiresAt, clock.now()))
    .map(({ listedAt }) => listedAt)
    .sort();
  return isOldestFirst ? ends[0] : ends.at(-1);
};

/** `GET /v1/apps`: in order of app id. Activity is the start of runs: the oldest that is kept (or when the app was first seen), the newest. */
export const listApps =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, v.string());
    if ("code" in read) return read;
    const tenantId = tenantOf(request);
    const { limit } = read.query;
    const [found, settings] = await Promise.all([
      dependencies.apps.list(tenantId, { after: read.position, limit: limit + 1 }),
      dependencies.settings.ofTenant(tenantId),
    ]);
    const apps = found.slice(0, limit);
    const data = await Promise.all(
      apps.map(async ({ appId, registeredAt }) => {
        const app = { tenantId, appId, shards: shardsToRead(settings, appId) };
        const [newest, oldest] = await Promise.all([
          endOfLists(dependencies, { ...app, isOldestFirst: false }),
          endOfLists(dependencies, { ...app, isOldestFirst: true }),
        ]);
        const registered = instantOf(registeredAt);
        const last = newest ?? registered;
        // A run that is recorded afterwards has started before its app was known.
        const [first = last] = [registered, oldest ?? registered].sort();
        return { app_id: appId, first_activity_at: showInstant(first), last_activity_at: showInstant(last) };
      }),
    );
    return jsonAnswer({ data, ...endOfPage(request, found.length > limit ? apps.at(-1)?.appId : undefined) });
  };
