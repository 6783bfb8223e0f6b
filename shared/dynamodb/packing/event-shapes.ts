import { EVENT_TYPES } from "../../contract/event-fields.ts";
import type { LedgerEventType } from "../../domain/fold/ledger.ts";
import { KNOWN_NAMES } from "./known-words.ts";
import { UnreadablePackError } from "./pack-frame.ts";
import type { PackedEvent } from "./packed-event.ts";

/** What events of one kind have in common: type, names of fields in order, names of payload values. */
export interface EventShape {
  readonly type: LedgerEventType;
  /** `keys` is there for a map, such as `execution_metadata`: its keys in order. */
  readonly fields: readonly { readonly name: string; readonly keys: readonly string[] | undefined }[];
  readonly payload: readonly { readonly field: string; readonly key?: string; readonly isShared: boolean }[];
}

const OPEN = "{";
const CLOSE = "}";
const PAYLOAD = "|";
const KEY = ".";
const SHARED = "&";

const ONE_BYTE_NAMES = 75;
const NAME_CHARACTERS: ReadonlyMap<string, string> = new Map(
  KNOWN_NAMES.map((name, place) => [name, String.fromCharCode((place < ONE_BYTE_NAMES ? 0x30 : 0x100) + place)]),
);
const NAMES: ReadonlyMap<string, string> = new Map([...NAME_CHARACTERS].map(([name, character]) => [character, name]));

const nameText = (name: string): string => NAME_CHARACTERS.get(name) ?? JSON.stringify(name);

/** The shape of an event as a short text. */
export const shapeTextOf = (event: PackedEvent): string => {
  let text = nameText(event.type);
  for (const [name, value] of event.fields) {
    text += nameText(name);
    if (value instanceof Map) text += `${OPEN}${[...value.keys()].map(nameText).join("")}${CLOSE}`;
  }
  text += PAYLOAD;
  for (const payload of event.payload) {
    text += nameText(payload.field);
    if (payload.key !== undefined) text += `${KEY}${nameText(payload.key)}`;
    if ("ref" in payload) text += SHARED;
  }
  return text;
};

const QUOTED = /"(?:[^"\\]|\\.)*"/y;

const shapeReader = (text: string) => {
  let at = 0;
  return {
    get isAtEnd() {
      return at >= text.length;
    },
    take(character: string): boolean {
      if (text[at] !== character) return false;
      at++;
      return true;
    },
    name(): string {
      QUOTED.lastIndex = at;
      const quoted = QUOTED.exec(text)?.[0];
      const name = quoted === undefined ? NAMES.get(text.charAt(at)) : (JSON.parse(quoted) as string);
      if (name === undefined) throw new UnreadablePackError(`expected a known name in a shape, came ${text.slice(at)}`);
      at += quoted?.length ?? 1;
      return name;
    },
  };
};

const isType = (name: string): name is LedgerEventType =>
  name === "run.claimed" || (EVENT_TYPES as readonly string[]).includes(name);

/** The shape that {@link shapeTextOf} made this text of. Throws UnreadablePackError. */
export const shapeOf = (text: string): EventShape => {
  const reader = shapeReader(text);
  const type = reader.name();
  if (!isType(type)) throw new UnreadablePackError(`expected a known event type, came ${type}`);
  const fields: EventShape["fields"][number][] = [];
  while (!reader.take(PAYLOAD)) {
    const name = reader.name();
    let keys: string[] | undefined;
    if (reader.take(OPEN)) for (keys = []; !reader.take(CLOSE); ) keys.push(reader.name());
    fields.push({ name, keys });
  }
  const payload: EventShape["payload"][number][] = [];
  while (!reader.isAtEnd) {
    const field = reader.name();
    const key = reader.take(KEY) ? { key: reader.name() } : {};
    payload.push({ field, ...key, isShared: reader.take(SHARED) });
  }
  return { type, fields, payload };
};
