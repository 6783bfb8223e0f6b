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

/** `GET /v1/audit`: who deleted, held and released runs of the tenant or changed settings, newest first. */
export const listAudit =
  ({ audit }: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, v.string());
    if ("code" in read) return read;
    const { limit } = read.query;
    const found = await audit.list(tenantOf(request), { before: read.position, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const data = shown.map(({ id, action, at, by, details }) => ({
      id,
      action,
      at: showInstant(instantOf(at)),
      by,
      details,
    }));
    return jsonAnswer({ data, ...endOfPage(request, found.length > limit ? shown.at(-1)?.id : undefined) });
  };
