import * as v from "valibot";
import type { FieldValue } from "../../contract/event.ts";
import { AppId } from "../../contract/identifiers.ts";
import { JsonText } from "../../contract/json-text.ts";
import { remembered } from "../remembered.ts";
import { type CellCoder, cellReader, cellWriter } from "./cells.ts";
import type { Sections } from "./columns.ts";
import { type EventShape, shapeOf, shapeTextOf } from "./event-shapes.ts";
import { EPOCH, instantOf, type Moment, momentOf, secondsFrom, stepBetween, stepFrom } from "./moments.ts";
import { UnreadablePackError } from "./pack-frame.ts";
import type { PackedEvent, UnpackedEvent } from "./packed-event.ts";
import { type PayloadDepth, payloadCodec } from "./payload-codec.ts";

/** A node execution, or the run itself: later events mostly repeat what earlier ones said of it. */
interface Subject {
  readonly since: Moment;
  readonly said: Map<string, FieldValue | undefined>;
}

const Head = v.object({ epoch: v.number(), id: v.optional(v.string()), appId: v.optional(AppId) });

/** One walk for both ways (see {@link CellCoder}): it writes the event it is given, or reads one where it gets none. */
const eventCodec = (coder: CellCoder, depth: PayloadDepth) => {
  const walkPayload = payloadCodec(coder, depth);
  let now = EPOCH;
  const knownShapeOf = remembered(shapeOf);
  const subjectOf = remembered((_id: FieldValue | undefined): Subject => ({ since: now, said: new Map() }));

  const walkShape = (event: PackedEvent | undefined): EventShape => {
    const text = coder.cell("shape", event && shapeTextOf(event));
    if (typeof text !== "string") throw new UnreadablePackError("expected the shape of an event");
    return knownShapeOf(text);
  };

  const walkField = (subject: Subject, column: string, sent: FieldValue | undefined): FieldValue => {
    const same = subject.said.get(column);
    const expected = column === "elapsed_time" ? { same, elapsed: secondsFrom(subject.since, now) } : { same };
    const value = coder.cell(column, sent, expected);
    if (value === undefined) throw new UnreadablePackError(`expected a value of ${column}`);
    subject.said.set(column, value);
    return value;
  };

  const walkMap = (subject: Subject, name: string, keys: readonly string[], sent: unknown): FieldValue => {
    const values: ReadonlyMap<string, JsonText> = sent instanceof Map ? sent : new Map();
    return new Map(
      keys.map((key) => {
        const value = walkField(subject, `${name}.${key}`, values.get(key));
        if (!(value instanceof JsonText)) throw new UnreadablePackError(`expected JSON as ${name}.${key}`);
        return [key, value];
      }),
    );
  };

  return (event: PackedEvent | undefined) => {
    const shape = walkShape(event);
    now = stepFrom(now, coder.literal("at", event === undefined ? "" : stepBetween(now, momentOf(event.at))));
    const head = {
      epoch: coder.cell("epoch", event?.epoch),
      id: coder.cell("id", event?.id),
      appId: coder.cell("app", event?.appId),
    };
    let subject = subjectOf(undefined);
    const fields = new Map<string, FieldValue>();
    for (const { name, keys } of shape.fields) {
      const sent = event?.fields.get(name);
      if (keys !== undefined) {
        fields.set(name, walkMap(subject, name, keys, sent));
        continue;
      }
      const value = walkField(subject, name, sent);
      fields.set(name, value);
      if (name === "node_execution_id") subject = subjectOf(value);
    }
    const nodeType = String(subject.said.get("node_type"));
    const payload = shape.payload.map((names, index) =>
      walkPayload(event?.payload[index], names, `${shape.type} ${nodeType} ${names.field}`),
    );
    return { type: shape.type, at: now, head, fields, payload };
  };
};

/** The sections of these events, without their digests. */
export const writeEvents = (events: readonly PackedEvent[], depth: PayloadDepth): Sections => {
  const coder = cellWriter();
  const walk = eventCodec(coder, depth);
  for (const event of events) walk(event);
  return coder.finish();
};

/** The events that {@link writeEvents} wrote with the same depth, one for each digest. */
export const readEvents = (
  sections: Sections,
  { digests, depth }: { readonly digests: readonly string[]; readonly depth: PayloadDepth },
): UnpackedEvent[] => {
  const walk = eventCodec(cellReader(sections), depth);
  return digests.map((digest) => {
    const { type, at, head, fields, payload } = walk(undefined);
    const { epoch, id, appId } = v.parse(Head, head);
    return { type, at: instantOf(at), epoch, id, appId, fields, payload, digest };
  });
};
