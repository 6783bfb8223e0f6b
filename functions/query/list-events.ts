import * as v from "valibot";
import { type Delivery, followLedger, LEDGER_START, type LedgerPage } from "../../shared/app/read/follow-ledger.ts";
import { presentDelivery } from "../../shared/app/read/present-delivery.ts";
import type { Members } from "../../shared/app/read/present-payload.ts";
import { isThere } from "../../shared/app/record/gone-run.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import type { LedgerEvent } from "../../shared/domain/fold/ledger.ts";
import { single } from "../../shared/domain/fold/member.ts";
import { shownBytes } from "../../shared/domain/large-payload.ts";
import { jsonAnswer, type Refusal } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { NO_SUCH_RUN, runKeyOf } from "../../shared/lambda/named-run.ts";
import { PAGE_BYTES } from "../../shared/lambda/page.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import type { Request } from "../../shared/lambda/request.ts";
import type { StoredHeader } from "../../shared/ports/run-store.ts";
import { previewFor, textsFor } from "./requested-run.ts";

const parameters = {
  limit: wholeNumber({ min: 1, max: 1000, otherwise: 100 }),
  wait: wholeNumber({ min: 0, max: 20, otherwise: 0 }),
};

const wholeFromZero = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most));
/** The last moment that a ULID can hold (milliseconds since 1970), less one. */
const LATEST = 2 ** 48 - 2;

const Position = v.object({
  settled: wholeFromZero(LATEST),
  delivered: v.array(v.string()),
  partial: v.record(v.string(), wholeFromZero(Number.MAX_SAFE_INTEGER)),
});

/** Small fields of an event count as so many bytes towards a page. */
const FIELDS_BYTES = 1024;

const sizeOf = (event: LedgerEvent): number =>
  event.payload.reduce((total, payload) => total + shownBytes(payload), FIELDS_BYTES);

/** Whether a page has no room for one more. */
const fullAt = (limit: number, showsPayload: boolean): ((taken: readonly Delivery[], next: LedgerEvent) => boolean) => {
  // Called again and again on the same list as it grows: counts only what is new.
  let counted = 0;
  let bytes = 0;
  const weigh = (event: LedgerEvent): number => (showsPayload ? sizeOf(event) : FIELDS_BYTES);
  return (taken, next) => {
    for (; counted < taken.length; counted++) bytes += weigh((taken[counted] as Delivery).event);
    return taken.length >= limit || (taken.length > 0 && bytes + weigh(next) > PAGE_BYTES);
  };
};

const present = async (
  dependencies: Dependencies,
  of: { run: RunKey; expiresAt: number },
  page: LedgerPage & { request: Request },
): Promise<Members[] | Refusal> => {
  const shown = page.deliveries.map((delivery) => {
    const { type, payload } = delivery.event;
    return { delivery, payload: payload.map((value) => single(type, value)) };
  });
  const payload = shown.flatMap((delivery) => delivery.payload);
  const view = await textsFor(dependencies, page.request, { ...of, payload });
  if ("code" in view) return view;
  return shown.map(({ delivery, payload }) => presentDelivery(delivery, payload, view));
};

/** The header of a run that readers see; undefined where there is none for them. */
const findShown = async ({ runs, clock }: Dependencies, run: RunKey): Promise<StoredHeader | undefined> => {
  const header = await runs.find(run);
  return isThere(header, clock.now()) ? header : undefined;
};

/** `GET /v1/runs/{run_id}/events` */
export const listEvents =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const key = runKeyOf(request);
    const header = key && (await findShown(dependencies, key));
    if (key === undefined || header === undefined) return NO_SUCH_RUN;
    const page = await followLedger(dependencies, key, {
      cursor: read.position ?? LEDGER_START,
      newPage: () => fullAt(read.query.limit, previewFor(request).seesPayload),
      waitSeconds: read.query.wait,
    });
    // It may be gone by then: what was read of a run that is being deleted is a part of it.
    const shown = await findShown(dependencies, key);
    if (shown === undefined) return NO_SUCH_RUN;
    const data = await present(dependencies, { run: key, expiresAt: shown.expiresAt }, { ...page, request });
    if ("code" in data) return data;
    return jsonAnswer({
      data,
      // A ledger can always be followed on.
      ...endOfPage(request, page.cursor),
      has_more: page.hasMore,
    });
  };
