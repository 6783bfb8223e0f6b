import { createHash } from "node:crypto";
import { type FieldValue, readEvent } from "../../shared/contract/event.ts";
import { identify } from "../../shared/domain/fold/identity.ts";
import { previewOf } from "../../shared/domain/fold/ledger.ts";
import type { PackedEvent, PackedPayload, UnpackedEvent } from "../../shared/dynamodb/packing/packed-event.ts";
import { packEntry, unpackEntry, unpackTexts } from "../../shared/dynamodb/packing/packing.ts";

export const APP = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
export const NODE = "e67ab195-4256-4055-a9f9-2ba619b0d94f";

/** SHA-256 in hex: 64 random characters, the same for the same text. */
export const hexOf = (text: string): string => createHash("sha256").update(text).digest("hex");
export const uuidOf = (text: string): string =>
  hexOf(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");

/** Some words that are not easily compressed, the same for the same number. */
export const wordsOf = (seed: number, characters: number): string => {
  let text = "";
  for (let part = 0; text.length < characters; part++) text += `${hexOf(`${seed} ${part}`).slice(0, 7)} `;
  return text.slice(0, characters);
};

const packedEventOf = (text: string): PackedEvent => {
  const value = JSON.parse(text) as Record<string, unknown>;
  const reading = readEvent({ text, value }, { now: Date.parse("2026-11-22T10:00:00Z"), isFromQueue: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.errors));
  const { runId: _, ...event } = identify(reading.event, text);
  return event;
};

/** An event as a producer sends it; `json` is more of it, as text. */
export const eventOf = (members: Record<string, unknown>, json = ""): PackedEvent => {
  const text = JSON.stringify({ run_id: "run-1", at: "2026-11-22T10:00:00Z", ...members });
  return packedEventOf(json === "" ? text : `${text.slice(0, -1)},${json}}`);
};

export const nodeStarted = (members: Record<string, unknown> = {}, json = ""): PackedEvent =>
  eventOf({ type: "node.started", node_execution_id: NODE, ...members }, json);

/** What should come back: fields as a list, for their order counts. */
export const expectedOf = (events: readonly PackedEvent[], isShowing: (payload: PackedPayload) => boolean) => {
  let position = 0;
  return events.map(({ payload, fields, ...event }) => ({
    ...event,
    fields: fieldsOf(fields),
    payload: payload.map((value) => {
      const place = { ...value, position: position++ };
      if ("ref" in value) return place;
      const shown = { sizeBytes: Buffer.byteLength(value.text), preview: previewOf(value.text) };
      const { text, ...names } = { ...place, ...shown, text: value.text };
      return isShowing(value) ? { ...names, text } : names;
    }),
  }));
};
const fieldsOf = (fields: ReadonlyMap<string, FieldValue>) =>
  [...fields].map(([name, value]) => [name, value instanceof Map ? [...value] : value]);
/** Events as read back, in the form of {@link expectedOf}. */
export const comparable = (events: readonly UnpackedEvent[]) =>
  events.map((event) => ({ ...event, fields: fieldsOf(event.fields) }));

/** Whether a preview shows all of it. */
export const isShort = (payload: PackedPayload): boolean =>
  "text" in payload && payload.text === previewOf(payload.text);

/** Texts by position. */
export const textsOf = (events: readonly PackedEvent[]): Map<number, string> =>
  new Map(
    events
      .flatMap(({ payload }) => payload)
      .flatMap((value, position) => ("text" in value ? [[position, value.text]] : [])),
  );

const atMs = (ms: number): string => new Date(Date.parse("2026-11-22T09:00:00Z") + ms).toISOString();

const eventsOfNode = (node: number, characters: number): PackedEvent[] => {
  const description = {
    app_id: APP,
    node_execution_id: uuidOf(`node ${node}`),
    node_id: `17300001${node}`,
    node_type: node % 2 === 0 ? "llm" : "tool",
    title: `Step ${node}`,
    index: node,
    predecessor_node_id: node === 0 ? null : `17300001${node - 1}`,
  };
  const payloadOf = (kind: number): unknown =>
    characters === 0 ? {} : { "#context#": wordsOf(3 * node + kind, characters) };
  return [
    eventOf({ type: "node.started", at: atMs(777 * node), ...description, inputs: payloadOf(0) }),
    eventOf({
      type: "node.finished",
      at: atMs(777 * node + 500),
      ...description,
      status: "succeeded",
      process_data: payloadOf(1),
      outputs: payloadOf(2),
      error: null,
      elapsed_time: 0.5,
      execution_metadata: { total_tokens: 1000 + node, total_price: "0.0012", currency: "USD" },
    }),
  ];
};

/** A run of so many nodes, as an agent's, each payload value of so many characters. */
export const runOf = (nodes: number, characters: number): PackedEvent[] => [
  eventOf({ type: "run.started", app_id: APP, at: atMs(0), workflow_type: "chat", inputs: {} }),
  ...Array.from({ length: nodes }, (_, node) => eventsOfNode(node, characters)).flat(),
];

/** Packs and unpacks, and expects the same again. */
export const expectRoundTrip = (...events: PackedEvent[]): void => {
  const packed = packEntry(events);
  const bytes = packed.kind === "outside" ? packed.payload : packed.pack;
  const isShowing = packed.kind === "split" ? isShort : () => true;
  expect(comparable(unpackEntry(bytes))).toStrictEqual(expectedOf(events, isShowing));
  expect(unpackTexts(packed.kind === "inline" ? packed.pack : packed.payload)).toEqual(textsOf(events));
};
