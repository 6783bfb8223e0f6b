import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import * as v from "valibot";
import type { InputError } from "../contract/event.ts";
import { TenantId } from "../contract/identifiers.ts";
import { Redaction } from "../contract/redaction.ts";
import { type QuarantinePosition, quarantineExpiry } from "../domain/quarantine.ts";
import type { QuarantinedMessage, QuarantineQuery, RefusedMessage } from "../ports/quarantine-store.ts";
import { jsonAttribute } from "./json-attribute.ts";
import { quarantineObjectsPrefix } from "./object-keys.ts";
import { type ItemKey, quarantineKey } from "./table.ts";

/** An item ends at 400 KB; a longer body goes to an object. */
const LONGEST_BODY_BYTES = 300_000;
/** Reasons are for reading: a body with thousands of errors keeps the first ones. */
const MOST_ERRORS = 100;
const LONGEST_PATH = 200;

/** The default quality takes a second for a megabyte. */
const QUICKLY = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

/** A tenant's quarantine, or the operator's own. */
type Owner = TenantId | undefined;

const isoOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The key of a refused message. In text order: by time of sending, message, and index, the whole body last. */
export const quarantineItemKey = (tenantId: Owner, position: QuarantinePosition): ItemKey => {
  const { sentAt, messageId, index } = position;
  const part = index === undefined ? "whole" : String(index).padStart(6, "0");
  return quarantineKey(tenantId, { sentAt: isoOf(sentAt), message: `${messageId}#${part}` });
};

/** The object of a body that has no room in its item. */
const objectKeyOf = (tenantId: Owner, { sentAt, messageId, index }: QuarantinePosition): string =>
  `${quarantineObjectsPrefix(tenantId)}${sentAt}-${index ?? "whole"}-${messageId}`;

/** The reasons as they are stored. A name in a path can hold half a surrogate pair, which DynamoDB does not take. */
export const storedReasons = (errors: readonly InputError[]): InputError[] =>
  errors.slice(0, MOST_ERRORS).map(({ path, message }) => ({
    path: path.slice(0, LONGEST_PATH).toWellFormed(),
    message: message.toWellFormed(),
  }));

/** The item of a refused message, and the object that has to be written before it, where its body is large. */
export const quarantineItem = (
  refused: RefusedMessage,
): { item: Record<string, unknown>; object: { key: string; bytes: Uint8Array } | undefined } => {
  const { tenantId } = refused;
  const bytes = brotliCompressSync(refused.body, QUICKLY);
  const object = bytes.length > LONGEST_BODY_BYTES ? { key: objectKeyOf(tenantId, refused), bytes } : undefined;
  const item = {
    ...quarantineItemKey(tenantId, refused),
    tenant: tenantId,
    message: refused.messageId,
    index: refused.index,
    sent_at: refused.sentAt,
    run: refused.runId?.toWellFormed(),
    code: refused.code,
    errors: storedReasons(refused.errors),
    body: object === undefined ? bytes : undefined,
    object: object?.key,
    // As JSON, which escapes what DynamoDB does not take.
    redaction: refused.redaction && JSON.stringify(refused.redaction),
    expires_at: quarantineExpiry(refused.sentAt),
  };
  return { item, object };
};

const RefusedItem = v.object({
  tenant: v.optional(TenantId),
  message: v.string(),
  index: v.optional(v.number()),
  sent_at: v.number(),
  run: v.optional(v.string()),
  code: v.string(),
  errors: v.array(v.object({ path: v.string(), message: v.string() })),
  body: v.optional(v.instance(Uint8Array)),
  object: v.optional(v.string()),
  redaction: v.optional(jsonAttribute(Redaction)),
  expires_at: v.number(),
});

/** A message as read back. `readObject` gives undefined where an object is gone. */
export const quarantinedFrom = (
  stored: unknown,
  readObject: (key: string) => Promise<Uint8Array | undefined>,
): QuarantinedMessage => {
  const item = v.parse(RefusedItem, stored);
  return {
    tenantId: item.tenant,
    messageId: item.message,
    index: item.index,
    sentAt: item.sent_at,
    runId: item.run,
    code: item.code,
    errors: item.errors,
    redaction: item.redaction,
    expiresAt: item.expires_at,
    readBody: async () => {
      const bytes = item.object === undefined ? item.body : await readObject(item.object);
      return bytes && brotliDecompressSync(bytes).toString();
    },
  };
};

/** The part of a quarantine that a query reads: both ends are included, and `after` itself is one of them. */
export const quarantineRange = (
  tenantId: Owner,
  { sentSince, after, isOldestFirst = false }: QuarantineQuery,
): { pk: string; from: string; to: string; after: string | undefined } => {
  const { pk, sk: begin } = quarantineKey(tenantId, { sentAt: isoOf(Math.max(0, sentSince)), message: "" });
  const last = after && quarantineItemKey(tenantId, after).sk;
  const from = isOldestFirst && last !== undefined && last > begin ? last : begin;
  // "~" sorts after every time.
  return { pk, from, to: isOldestFirst ? "~" : (last ?? "~"), after: last };
};
