import fc from "fast-check";
import { encodeTime } from "ulid";
import * as v from "valibot";
import { canonicalJson } from "../../shared/contract/canonical-json.ts";
import { readEvent } from "../../shared/contract/event.ts";
import type { EventType } from "../../shared/contract/event-fields.ts";
import { RunId } from "../../shared/contract/identifiers.ts";
import { Instant } from "../../shared/contract/instant.ts";
import { type JsonOutput, writeJson } from "../../shared/contract/json-text.ts";
import { attemptsOf } from "../../shared/domain/fold/attempts.ts";
import { digestOf, identify } from "../../shared/domain/fold/identity.ts";
import {
  type Actor,
  type Arrival,
  entryOf,
  type IdentifiedEvent,
  type LedgerEntry,
} from "../../shared/domain/fold/ledger.ts";
import { compareText, type Member, type MemberPayload, membersIn } from "../../shared/domain/fold/member.ts";
import type { NodeState } from "../../shared/domain/fold/node-fold.ts";
import { foldRun, type RunState } from "../../shared/domain/fold/run-fold.ts";
import { type TraceError, type TraceNode, traceOf } from "../../shared/domain/fold/trace.ts";
import { AT, eventText, json, ofTenant } from "./event-text.ts";

/** The clock of tests: every moment is so many seconds after it. */
export const ZERO = Date.parse(AT);

/** A moment as a producer writes it. */
export const at = (seconds: number): string => new Date(ZERO + seconds * 1000).toISOString();

/** A moment as the domain knows it; text is read as a producer's. */
export const instant = (moment: number | string): Instant =>
  v.parse(Instant, typeof moment === "number" ? at(moment) : moment);

/** An event on its way to the ledger, and who speaks. */
export interface Sent {
  readonly actor: Actor;
  readonly event: IdentifiedEvent;
}

/** What a test says of an event: JSON values, or JSON text where the text matters; `at` in seconds, or as text. */
export interface Saying {
  readonly [member: string]: JsonOutput;
}

/** An event's JSON as a producer sends it. */
export const textOf = (type: EventType, saying: Saying = {}): string => {
  const moment = saying["at"] ?? 0;
  return eventText(type, { ...saying, at: typeof moment === "number" ? at(moment) : moment });
};

/** An event read by the schema from its text, from the queue with a tenant; throws what is wrong with it. */
export const readText = (text: string, isFromQueue = false): IdentifiedEvent => {
  const json = isFromQueue ? ofTenant("demo", text) : text;
  const value = JSON.parse(json) as Record<string, unknown>;
  const reading = readEvent({ text: json, value }, { now: ZERO, isFromQueue });
  if (!reading.ok) throw new Error(`${json}: ${JSON.stringify(reading.errors)}`);
  return identify(reading.event, json);
};

/** An engine's event. */
export const sent = (type: EventType, saying: Saying = {}): Sent => ({
  actor: "engine",
  event: readText(textOf(type, saying)),
});

/** The same, of another speaker. */
export const by = (actor: Actor, { event }: Sent): Sent => ({ actor, event });

const byService = (event: Pick<IdentifiedEvent, "type" | "epoch" | "fields">, seconds: number): IdentifiedEvent => ({
  ...event,
  runId: v.parse(RunId, "run-1"),
  at: instant(seconds),
  id: undefined,
  appId: undefined,
  digest: digestOf(`${event.type} ${event.epoch} ${seconds}`),
  payload: [],
});

/** The claim that opens an epoch. */
export const claimed = (epoch: number, seconds: number): Sent => {
  const fields = new Map([["holder", `worker-${epoch}`]]);
  return { actor: "caller", event: byService({ type: "run.claimed", epoch, fields }, seconds) };
};

/** The service's own end of a run that went silent. */
export const lost = (seconds: number, saying: Saying = {}): Sent =>
  by("service", sent("run.finished", { status: "failed", error: { code: "RUN_LOST" }, at: seconds, ...saying }));

let arrivals = 0;

/** An arrival of events of one speaker, received so many seconds after {@link ZERO}. Each has a ULID of its own. */
export const arrivalOf = (
  events: readonly IdentifiedEvent[],
  of: { actor?: Actor; receivedAt?: number } = {},
): Arrival => {
  const receivedAt = ZERO + (of.receivedAt ?? 0) * 1000;
  const ulid = `${encodeTime(receivedAt, 10)}${String(++arrivals).padStart(16, "0")}`;
  return { ulid, receivedAt, actor: of.actor ?? "engine", source: "http", events };
};

/** A ledger that holds each event in an entry of its own. */
export const ledger = (...events: readonly Sent[]): LedgerEntry[] =>
  events.map(({ actor, event }) => entryOf(arrivalOf([event], { actor })));

/** The run that events fold to. */
export const run = (...events: readonly Sent[]): RunState => foldRun(ledger(...events));

/** The node execution that events of it, and of its run, fold to. */
export const node = (...events: readonly Sent[]): NodeState => {
  const [only, ...others] = run(...events).nodes;
  if (only === undefined || others.length > 0) throw new Error("expected events of one node execution");
  return only;
};

/** The set of events, as the domain ranks them. */
export const members = (...events: readonly Sent[]): Member[] => membersIn(ledger(...events));

const smallestText = ({ copies }: MemberPayload): string | undefined =>
  copies
    .flatMap(({ text }) => text ?? [])
    .sort(compareText)
    .at(0);

interface Shown {
  readonly fields: NodeState["fields"];
  readonly payload: NodeState["payload"];
}

/** The JSON text that a run or node shows under a name (in `execution_metadata`: and a key); undefined for none. */
export const shown = ({ fields, payload }: Shown, name: string, key?: string): string | undefined => {
  const field = fields.get(name);
  const small: JsonOutput = key === undefined || !(field instanceof Map) ? field : field.get(key);
  if (small !== undefined && (key === undefined || field instanceof Map)) return writeJson(small);
  const value = payload.find((one) => one.field === name && one.key === key);
  return value && smallestText(value);
};

const fieldsView = ({ fields, payload }: Shown) => ({
  fields: Object.fromEntries(
    [...fields].map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value) : value]),
  ),
  payload: Object.fromEntries(payload.map((value) => [`${value.field} ${value.key ?? ""}`, smallestText(value)])),
});

const memberView = (member: Member | undefined) => member && `${member.type} ${member.id} ${member.digest}`;

const nodeView = ({ ranked, ...state }: NodeState) => ({
  ...state,
  ...fieldsView(state),
  ranked: ranked.map(memberView),
  attempts: attemptsOf({ ...state, ranked }).map((attempt) => ({
    ...attempt,
    ...fieldsView({ fields: new Map([["execution_metadata", attempt.metadata]]), payload: attempt.payload }),
    metadata: undefined,
  })),
});

type Tree = { id: string; status: string; error: unknown; unplaced: boolean; groups: unknown[] };

/** The JSON text of a trace's error; null for none. */
export const errorText = ({ value, payload }: TraceError): string | null =>
  (payload && smallestText(payload)) ?? (value === null ? null : writeJson(value as JsonOutput));

const treeView = (trace: TraceNode): Tree => ({
  id: trace.node.nodeExecutionId,
  status: trace.status,
  error: errorText(trace.error),
  unplaced: trace.isUnplaced,
  groups: trace.groups.map((group) => ({
    ...group,
    error: errorText(group.error),
    nodes: group.nodes.map(treeView),
  })),
});

/** All that is shown of a folded run, for comparison: nothing in it depends on deliveries. */
export const viewOfState = (state: RunState): unknown => {
  const view = {
    ...state,
    ...fieldsView(state),
    deciding: memberView(state.deciding),
    claim: memberView(state.claim),
    nodes: state.nodes.map(nodeView),
    agentLogs: state.agentLogs.map((log) => ({ ...log, ...fieldsView(log) })),
    trace: traceOf(state.nodes).map(treeView),
  };
  return JSON.parse(canonicalJson(JSON.stringify(view)));
};

const seconds = fc.integer({ min: 0, max: 6 });
const anyText = fc.constantFrom("null", "1.0", "1", '{"b":1}', '{ "b" : 1.0 }', '"\\u0061"', '"a"', "[]").map(json);
const anyError = fc
  .constantFrom("null", '"boom"', '{"code":"E1"}', '{"code": "E1"}', `"${"x".repeat(1500)}"`)
  .map(json);
const anyMetadata = fc
  .constantFrom('{"n":1}', '{"n":1.0,"m":"a"}', `{"m":null,"tool":"${"y".repeat(1500)}"}`)
  .map(json);

/** Few moments, ids, epochs and nodes, so that many are equal. */
const anySaying = (type: EventType, more: Record<string, fc.Arbitrary<JsonOutput>> = {}): fc.Arbitrary<Sent> =>
  fc
    .record(
      {
        at: seconds,
        id: fc.constantFrom("a", "b"),
        epoch: fc.constantFrom(1, 1, 1, 2, 3),
        app_id: fc.constantFrom("app-1", "app-2"),
        ...(type.startsWith("run.") ? {} : { node_execution_id: fc.constantFrom("node-1", "node-2") }),
        ...more,
      },
      { requiredKeys: ["at"] },
    )
    .map((saying) => sent(type, saying));

const place = {
  node_id: fc.constantFrom("x", "y"),
  index: fc.constantFrom(1, 2),
  iteration_id: fc.constantFrom("x", "y"),
  iteration_index: fc.constantFrom(0, 1),
  execution_metadata: anyMetadata,
};
const outcome = { outputs: anyText, error: anyError, elapsed_time: fc.constantFrom(0, 1.5) };

/** Events of engines about one run and its two nodes. */
export const anySent: fc.Arbitrary<Sent> = fc.oneof(
  anySaying("run.scheduled", { workflow_id: fc.constantFrom("w1", "w2") }),
  anySaying("run.started", { inputs: anyText, tags: fc.constantFrom([], ["t"]), workflow_id: fc.constant("w3") }),
  anySaying("run.paused", { reasons: anyText, outputs: anyText, extra: anyText }),
  anySaying("run.resumed", { reason: fc.constantFrom("form", "time") }),
  anySaying("run.heartbeat"),
  anySaying("run.finished", {
    ...outcome,
    status: fc.constantFrom("succeeded", "failed", "stopped", "partial-succeeded"),
    total_tokens: fc.constantFrom(5, 6),
    extra: anyText,
  }),
  anySaying("node.started", { ...place, title: fc.constantFrom("A", "B"), inputs: anyText }),
  anySaying("node.checkpointed", { sequence: fc.constantFrom(1, 2), process_data: anyText }),
  anySaying("node.retried", { ...outcome, retry_index: fc.constantFrom(1, 2), process_data: anyText }),
  anySaying("node.paused", { reason: fc.constantFrom("form", "time") }),
  anySaying("node.finished", {
    ...place,
    ...outcome,
    status: fc.constantFrom("succeeded", "failed", "exception", "stopped"),
    process_data: anyText,
  }),
  anySaying("agent.logged", { log_id: fc.constantFrom("l1", "l2"), data: anyText, label: fc.constantFrom("A", "B") }),
  anySaying("edge.taken", { edge_id: fc.constant("e1") }),
);

/** All that can be in one run's ledger: events of engines, at most one claim an epoch, the service's own end. */
export const anyEvents: fc.Arbitrary<Sent[]> = fc
  .record({
    events: fc.array(anySent, { maxLength: 12 }),
    second: fc.option(seconds, { nil: undefined }),
    third: fc.option(seconds, { nil: undefined }),
    lost: fc.option(seconds, { nil: undefined, freq: 1 }),
  })
  .map((given) => [
    ...given.events,
    ...(given.second === undefined ? [] : [claimed(2, given.second)]),
    ...(given.third === undefined ? [] : [claimed(3, given.third)]),
    ...(given.lost === undefined ? [] : [lost(given.lost)]),
  ]);
