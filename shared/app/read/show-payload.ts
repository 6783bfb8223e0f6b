import type { RunKey } from "../../contract/identifiers.ts";
import { instantOf, showInstant } from "../../contract/instant.ts";
import { JsonText, writeJson } from "../../contract/json-text.ts";
import type { PayloadObject } from "../../domain/fold/ledger.ts";
import type { MemberPayload } from "../../domain/fold/member.ts";
import { objectOf } from "../../domain/large-payload.ts";
import { contentOf } from "../../domain/object-content.ts";
import { type BlobLinks, type LinkTime, wholeSecond } from "../../ports/blob-links.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import type { RunStore } from "../../ports/run-store.ts";
import { type PayloadTexts, readTextsUnlessDeleted } from "./read-run.ts";

/** How long a link to a payload value holds, unless its run expires before. */
const LINK_SECONDS = 900;

/** What showing payload works on. */
export interface ShowStores {
  readonly ledger: LedgerStore;
  readonly runs: Pick<RunStore, "find">;
  readonly links: BlobLinks;
  readonly clock: Clock;
}

/** Payload of a run, and when the run is gone for readers (seconds since 1970). */
export interface ShownPayload {
  readonly run: RunKey;
  readonly expiresAt: number;
  readonly payload: readonly MemberPayload[];
}

/** What stands in place of a value that is an object of its own: where to get it, and until when. */
const linkText = async (
  links: BlobLinks,
  time: LinkTime,
  of: { readonly object: PayloadObject; readonly sizeBytes: number },
): Promise<JsonText> => {
  const { objectKey, uploadId } = of.object;
  const { type, encoding } = contentOf(objectKey);
  const link = {
    $ref: "download",
    url: await links.download(objectKey, time),
    size: of.sizeBytes,
    content_type: type,
    content_encoding: encoding ?? null,
    expires_at: showInstant(instantOf(time.from + time.seconds * 1000)),
    upload_id: uploadId,
  };
  return new JsonText(writeJson(link));
};

/**
 * What an answer shows of payload values: their texts, and links to those that are objects of their own. A value whose
 * text is gone is left out; undefined where that is since the run was deleted meanwhile.
 */
export const showPayload = async (
  { ledger, runs, links, clock }: ShowStores,
  { run, expiresAt, payload }: ShownPayload,
): Promise<PayloadTexts | undefined> => {
  const from = wholeSecond(clock.now());
  const seconds = Math.min(LINK_SECONDS, Math.floor(expiresAt - from / 1000));
  const linked = new Map<MemberPayload, JsonText>();
  for (const value of payload) {
    const object = objectOf(value);
    if (object === undefined) continue;
    linked.set(value, await linkText(links, { from, seconds }, { object, sizeBytes: value.sizeBytes }));
  }
  const others = payload.filter((value) => !linked.has(value));
  const texts = await readTextsUnlessDeleted({ ledger, runs }, run, others);
  return texts && new Map([...linked, ...texts]);
};
