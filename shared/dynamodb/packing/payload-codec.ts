import { previewOf } from "../../domain/fold/ledger.ts";
import { type CellCoder, characterOf, countOf } from "./cells.ts";
import type { EventShape } from "./event-shapes.ts";
import { UnreadablePackError } from "./pack-frame.ts";
import type { PackedPayload, UnpackedPayload } from "./packed-event.ts";
import { isPlain } from "./text-lines.ts";

/** Whether payload texts are written with the events, or only what is shown of them. */
export type PayloadDepth = "texts" | "previews";

/** What is shown of a payload value. */
interface Shown {
  readonly preview: string;
  readonly sizeBytes: number;
}

/** Tokens of previews: one that is all of the payload; one that is cut in an unusual way; else what it shares. */
const WHOLE = ".";
const ODD = "!";

/** Characters of the previews whose length is not written. Part of the format. */
const USUAL_LENGTH = 64;

const NOTHING: Shown = { preview: "", sizeBytes: 0 };

/** What is shown of a value that is about to be written. */
const shownOf = (payload: PackedPayload): Shown =>
  "ref" in payload ? payload : { preview: previewOf(payload.text), sizeBytes: Buffer.byteLength(payload.text) };

const isWhole = ({ preview, sizeBytes }: Shown): boolean => sizeBytes === Buffer.byteLength(preview);

/** How many characters two previews share up to a quote: beyond it, they agree by chance. */
const sharedLength = (one: string, other: string): number => {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length === 0 ? 0 : one.lastIndexOf('"', length - 1) + 1;
};

const isUsual = ({ preview }: Shown): boolean => preview.length === USUAL_LENGTH && isPlain(preview);

const tokenOf = (shown: Shown, last: Shown): string => {
  if (isWhole(shown)) return WHOLE;
  return (isUsual(shown) ? characterOf(sharedLength(last.preview, shown.preview)) : undefined) ?? ODD;
};

/**
 * Writes or reads payload values (see {@link CellCoder}). Payload of the same kind of node begins alike and is alike in
 * size, so previews and sizes are written as what differs from the last of its kind. The size of a text that is shown
 * whole, or written whole, is not written.
 */
export const payloadCodec = (coder: CellCoder, depth: PayloadDepth) => {
  const lastShown = new Map<string, Shown>();
  let position = 0;

  const beginAs = (last: Shown, token: string, preview: string): string => {
    if (token === ODD) return coder.text(preview);
    const shared = countOf(token);
    if (shared === undefined) throw new UnreadablePackError(`expected the length of a beginning, came ${token}`);
    return last.preview.slice(0, shared) + coder.exactText(preview.slice(shared), USUAL_LENGTH - shared);
  };

  const show = (shown: Shown | undefined, kind: string): Shown & { readonly isWhole: boolean } => {
    const last = lastShown.get(kind) ?? NOTHING;
    const token = coder.token("preview", shown === undefined ? "" : tokenOf(shown, last));
    if (token === WHOLE) {
      const preview = coder.text(shown?.preview ?? "");
      return { preview, sizeBytes: Buffer.byteLength(preview), isWhole: true };
    }
    const difference = coder.literal("size", shown === undefined ? "" : String(shown.sizeBytes - last.sizeBytes));
    const sizeBytes = last.sizeBytes + Number(difference);
    const read = { preview: beginAs(last, token, shown?.preview ?? ""), sizeBytes };
    lastShown.set(kind, read);
    return { ...read, isWhole: false };
  };

  const walk = (
    payload: PackedPayload | undefined,
    { isShared, ...names }: EventShape["payload"][number],
    kind: string,
  ): UnpackedPayload => {
    const place = { ...names, position: position++ };
    if (isShared) {
      const ref = coder.cell("ref", payload && "ref" in payload ? payload.ref : undefined);
      if (typeof ref !== "string") throw new UnreadablePackError("expected the name of a shared payload");
      const { preview, sizeBytes } = show(payload && shownOf(payload), kind);
      return { ...place, sizeBytes, preview, ref };
    }
    const text = payload && "text" in payload ? payload.text : "";
    if (depth === "texts") {
      const read = coder.text(text);
      return { ...place, sizeBytes: Buffer.byteLength(read), preview: previewOf(read), text: read };
    }
    const { preview, sizeBytes, isWhole } = show(payload && shownOf(payload), kind);
    return isWhole ? { ...place, sizeBytes, preview, text: preview } : { ...place, sizeBytes, preview };
  };
  return walk;
};
