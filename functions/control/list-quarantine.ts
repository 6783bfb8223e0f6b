import { instantOf, showInstant } from "../../shared/contract/instant.ts";
import { type JsonOutput, JsonText } from "../../shared/contract/json-text.ts";
import { quarantineBegin, quarantineIdOf } from "../../shared/domain/quarantine.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { pageOf } from "../../shared/lambda/page.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { tenantOf } from "../../shared/lambda/request.ts";
import type { QuarantinedMessage } from "../../shared/ports/quarantine-store.ts";
import { QuarantinePlace } from "./quarantine-place.ts";

const parameters = {
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

const showTime = (milliseconds: number): string => showInstant(instantOf(milliseconds));

/** The event is the JSON text that came, where the credential may see payload. */
const present = async (message: QuarantinedMessage, seesPayload: boolean): Promise<JsonOutput> => {
  const body = seesPayload ? await message.readBody() : undefined;
  const { redaction } = message;
  const isRedacted = redaction !== undefined && redaction.fields.length > 0;
  return {
    id: quarantineIdOf(message),
    message_id: message.messageId,
    index: message.index ?? null,
    sent_at: showTime(message.sentAt),
    code: message.code,
    errors: message.errors.map(({ path, message }) => ({ path, message })),
    run_id: message.runId ?? null,
    expires_at: showTime(message.expiresAt * 1000),
    redacted: isRedacted ? redaction.fields : undefined,
    ...(seesPayload ? { event: body === undefined ? null : new JsonText(body) } : { payload_hidden: true }),
  };
};

/** `GET /v1/quarantine`: the tenant's events that came by queue and were refused, newest first. */
export const listQuarantine =
  ({ quarantine, clock }: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, QuarantinePlace);
    if ("code" in read) return read;
    const { limit } = read.query;
    const seesPayload = request.caller?.scopes.has("payload") ?? false;
    const found = quarantine.list(tenantOf(request), {
      sentSince: quarantineBegin(clock.now()),
      after: read.position,
      limit: limit + 1,
    });
    const page = pageOf(limit);
    let last: string | undefined;
    let hasMore = false;
    for await (const message of found) {
      hasMore = page.items.length === limit || !page.add(await present(message, seesPayload));
      if (hasMore) break;
      last = quarantineIdOf(message);
    }
    return jsonAnswer({ data: page.items, ...endOfPage(request, hasMore ? last : undefined) });
  };
