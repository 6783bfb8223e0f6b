import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { unframe } from "../../shared/dynamodb/packing/pack-frame.ts";
import { kindOf } from "../../shared/dynamodb/table.ts";
import type { Service } from "./service.ts";
import { itemsOf, logText, objectsOf } from "./stored.ts";

/** A text that is kept or told somewhere. */
export interface Trace {
  readonly where: string;
  readonly text: string;
}

const unpackers: readonly ((bytes: Uint8Array) => readonly Uint8Array[])[] = [
  (bytes) => [brotliDecompressSync(bytes)],
  (bytes) => [zstdDecompressSync(bytes)],
  (bytes) => [gunzipSync(bytes)],
  (bytes) => unframe(bytes).sections,
];

/** The bytes as they are, and all that unpacks from them, at any depth. */
const unpacked = (bytes: Uint8Array): Uint8Array[] => [
  bytes,
  ...unpackers.flatMap((unpack) => {
    try {
      return unpack(bytes).flatMap(unpacked);
    } catch {
      // It is packed in another way, or not at all.
      return [];
    }
  }),
];

const textOf = (bytes: Uint8Array): string =>
  unpacked(bytes)
    .map((some) => Buffer.from(some).toString())
    .join("\n");

const itemText = (value: unknown): string => {
  if (value instanceof Uint8Array) return textOf(value);
  if (value instanceof Set) return itemText([...value]);
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, member]) => `${name} ${itemText(member)}`)
    .join("\n");
};

const RUN = /^T#[^#]+#R#/;
const STATISTICS = /^T#[^#]+#S#/;

const placeOfItem = ({ pk, sk, body, errors }: Record<string, unknown>): string => {
  if (RUN.test(String(pk))) return kindOf(String(sk));
  if (STATISTICS.test(String(pk))) return "statistics";
  return errors !== undefined || body !== undefined ? "quarantine" : "other items";
};

/** Every byte that a service has stored or logged: items with all their attributes, objects, log lines. */
export const everyByteOf = async (service: Service): Promise<Trace[]> => {
  const items = (await itemsOf(service)).map((item) => ({ where: placeOfItem(item), text: itemText(item) }));
  const objects = objectsOf(service).map((path) => ({
    where: path.includes("quarantine/") ? "quarantine object" : path.includes("graphs") ? "graph object" : "object",
    text: `${path}\n${textOf(readFileSync(join(service.objects, path)))}`,
  }));
  return [...items, ...objects, { where: "log", text: logText(service) }];
};
