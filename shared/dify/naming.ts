import { EVENT_FIELDS, type EventType, PAYLOAD_FIELDS } from "../contract/event-fields.ts";
import { type JsonOutput, JsonText, membersOf } from "../contract/json-text.ts";
import type { DifyFrame } from "./frame.ts";
import type { DifyKind } from "./kinds.ts";

const ENVELOPE = ["type", "run_id", "at", "id", "app_id", "epoch", "tenant_id"];
const PAYLOAD: ReadonlySet<string> = new Set(PAYLOAD_FIELDS);

const IDS: ReadonlySet<string> = new Set([
  "workflow_id",
  "node_id",
  "predecessor_node_id",
  "iteration_id",
  "loop_id",
  "parallel_id",
  "parallel_start_node_id",
  "parent_parallel_id",
  "parent_parallel_start_node_id",
  "parent_log_id",
  "target_node_id",
]);

const subjectOf = (type: EventType): string => type.slice(0, type.indexOf("."));

/**
 * Names that an event of this type may not use for what Dify sends: those of the envelope, and those that mean something
 * in other events of the same run or node, where a value of this one would cover theirs.
 */
const clashesOf = (type: EventType): ReadonlySet<string> => {
  const sameSubject = (Object.keys(EVENT_FIELDS) as EventType[]).filter(
    (other) => subjectOf(other) === subjectOf(type),
  );
  const names = sameSubject.flatMap((other) => Object.keys(EVENT_FIELDS[other]));
  const own: object = EVENT_FIELDS[type];
  return new Set([...ENVELOPE, ...names.filter((name) => !Object.hasOwn(own, name) && !PAYLOAD.has(name))]);
};

type Members = Map<string, JsonOutput>;

const INDEX = /^\d{1,15}$/;
const NAME = /^"[^"]+"$/;

/**
 * Copies the places in containers and branches that the end of a node tells only in `execution_metadata`. A container is
 * never its own child: its metadata may name itself.
 */
const liftStructure = (members: Members, frame: DifyFrame): void => {
  const metadata = frame.values["execution_metadata"];
  const text = frame.data?.get("execution_metadata");
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata) || text === undefined) return;
  const found = new Map(membersOf(text).members);
  const nodeId = frame.data?.get("node_id");
  for (const [id, index] of [
    ["iteration_id", "iteration_index"],
    ["loop_id", "loop_index"],
    ["parallel_id", undefined],
    ["parallel_start_node_id", undefined],
    ["parent_parallel_id", undefined],
    ["parent_parallel_start_node_id", undefined],
  ] as const) {
    if (found.get(id) === nodeId) continue;
    lift(members, id, found.get(id), NAME);
    if (index !== undefined) lift(members, index, found.get(index), INDEX);
  }
};

const isMissing = (value: JsonOutput): boolean =>
  value === undefined || (value instanceof JsonText && value.text === "null");

const lift = (members: Members, name: string, text: string | undefined, form: RegExp): void => {
  if (text !== undefined && form.test(text) && isMissing(members.get(name))) members.set(name, new JsonText(text));
};

/**
 * Puts the members of a frame under the contract's names, their values as they came. None is lost: what has no place in
 * the contract stays as an unknown field, with the prefix `dify_` where its own name would clash. `said` are the names in
 * `data` that `members` already says.
 */
export const addMembers = (
  members: Members,
  frame: DifyFrame,
  { kind, said }: { readonly kind: DifyKind; readonly said: ReadonlySet<string> },
): void => {
  const clashes = clashesOf(kind.type);
  const data = frame.data ?? new Map<string, string>();
  const renames = kind.renames ?? {};
  const renamed = new Set(Object.keys(renames).flatMap((name) => (data.has(name) ? [renames[name] as string] : [])));
  const put = (name: string, text: string): void => {
    const ours = Object.hasOwn(renames, name) ? renames[name] : undefined;
    let target = ours ?? name;
    const isFree = () => !members.has(target) && !(ours === undefined && (clashes.has(target) || renamed.has(target)));
    while (!isFree()) target = `dify_${target}`;
    members.set(target, new JsonText(text === '""' && IDS.has(target) ? "null" : text));
  };
  for (const [name, text] of data) if (!said.has(name)) put(name, text);
  if (kind.type === "run.started") {
    for (const [name, text] of frame.envelope) {
      if (name !== "event" && name !== "workflow_run_id" && name !== "data") put(name, text);
    }
  }
  for (const [name, value] of Object.entries(kind.adds ?? {}))
    if (isMissing(members.get(name))) members.set(name, value);
  if (kind.type === "node.finished") liftStructure(members, frame);
};
