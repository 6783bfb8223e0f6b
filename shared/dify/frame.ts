import type { InputError } from "../contract/event.ts";
import { membersOf } from "../contract/json-text.ts";

/** A frame of a Dify stream: its kind, and the members of the envelope and of `data`, as text and as values. */
export interface DifyFrame {
  readonly kind: string;
  readonly runId: string | undefined;
  readonly envelope: ReadonlyMap<string, string>;
  /** Undefined where the frame has none: a frame that is ignored needs none. */
  readonly data: ReadonlyMap<string, string> | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  /** Seconds since 1970 of the message a chat app answers with; not the time of the event. */
  readonly messageSeconds: unknown;
  readonly errors: readonly InputError[];
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value where it is a string that says something: Dify writes "" for none. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

const parse = (text: string): { value: unknown } | InputError => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Its message quotes what came.
    return { path: "", message: "expected JSON" };
  }
};

const repeated = (members: readonly (readonly [string, string])[], prefix: string): InputError[] => {
  const names = members.map(([name]) => name);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => ({ path: `${prefix}${name}`, message: "expected once, came twice" }));
};

/** Reads the JSON of one frame. What is no frame at all gives its errors; a frame carries those of its members. */
export const readFrame = (text: string): DifyFrame | { readonly errors: readonly InputError[] } => {
  const parsed = parse(text);
  if (!("value" in parsed)) return { errors: [parsed] };
  const { value } = parsed;
  if (!isObject(value)) return { errors: [{ path: "", message: "expected a Dify event (an object)" }] };
  const kind = textOf(value["event"]);
  if (kind === undefined) return { errors: [{ path: "event", message: "expected the event's name (a string)" }] };

  const envelope = membersOf(text).members;
  const values = value["data"];
  const dataText = envelope.findLast(([name]) => name === "data")?.[1];
  const data = isObject(values) && dataText !== undefined ? membersOf(dataText).members : undefined;
  return {
    kind,
    runId: textOf(value["workflow_run_id"]),
    envelope: new Map(envelope),
    data: data === undefined ? undefined : new Map(data),
    values: isObject(values) ? values : {},
    messageSeconds: value["created_at"],
    errors: [...repeated(envelope, ""), ...repeated(data ?? [], "data.")],
  };
};
