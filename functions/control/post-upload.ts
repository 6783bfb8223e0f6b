import { openUpload } from "../../shared/app/uploads/open-upload.ts";
import { instantOf, showInstant } from "../../shared/contract/instant.ts";
import { UploadRequest } from "../../shared/contract/upload-request.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { STATUS_CREATED } from "../../shared/lambda/outcomes.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { tenantOf } from "../../shared/lambda/request.ts";
import { readJson } from "./request-json.ts";

/**
 * `POST /v1/uploads`: the request that uploads a payload value too large for an event. Who sends it needs no credential.
 * Served here rather than beside recording: this function may write objects already, and `ingest` starts no slower.
 */
export const postUpload =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const read = readJson(request, UploadRequest);
    if ("code" in read) return read;
    const opened = await openUpload(dependencies, tenantOf(request), read.body);
    if (opened === undefined) {
      return refuse(
        "UPLOADS_REFUSED",
        `the app ${read.body.app_id} redacts payload or keeps none: send values in events`,
      );
    }
    const { id, link, expiresAt } = opened;
    const body = { id, ...link, expires_at: showInstant(instantOf(expiresAt)) };
    return jsonAnswer(body, { status: STATUS_CREATED });
  };
