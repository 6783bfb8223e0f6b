import { showInstant } from "../../contract/instant.ts";
import type { JsonOutput } from "../../contract/json-text.ts";
import { JsonText, writeJson } from "../../contract/json-text.ts";
import type { NodePair, RunDiff } from "../../domain/diff/diff.ts";
import { differencesBetween, isSameValue } from "../../domain/diff/value-diff.ts";
import { longErrorOf, shortErrorOf } from "../../domain/failures/node-failures.ts";
import { attemptsOf } from "../../domain/fold/attempts.ts";
import type { MemberPayload } from "../../domain/fold/member.ts";
import type { NodeState } from "../../domain/fold/node-fold.ts";
import type { RunState } from "../../domain/fold/run-fold.ts";
import { objectOf } from "../../domain/large-payload.ts";
import { tokensOf } from "../../domain/statistics/run-cost.ts";
import type { StoredHeader } from "../../ports/run-store.ts";
import { shownField } from "./present-payload.ts";
import { presentListedRun } from "./present-run.ts";
import type { PayloadTexts } from "./read-run.ts";

/** Two runs to compare. */
export interface Sides<Side> {
  readonly run: Side;
  readonly other: Side;
}

/** One of the two. */
export interface DiffSide {
  readonly header: StoredHeader;
  readonly state: RunState;
}

/** What is read of payload; undefined where the credential may not see any: then nothing is said of it. */
export type ComparedTexts = Sides<PayloadTexts> | undefined;

/** A value of more bytes is shown by its size. */
const MOST_VALUE_BYTES = 1024;
const MOST_NAME_CHARACTERS = 256;
/** So many differences of one value are listed; of the others the number is told. */
const MOST_DIFFERENCES = 100;
/** So many node ids of a path are listed; of the others the number is told. */
const MOST_STEPS = 1000;

/** The payload value of a field, if there is one. */
export const payloadNamed = (payload: readonly MemberPayload[], field: string): MemberPayload | undefined =>
  payload.find((value) => value.field === field && value.key === undefined && !value.isLongField);

const shownValue = (text: string | undefined): JsonOutput => {
  if (text === undefined) return null;
  const size = Buffer.byteLength(text);
  return size <= MOST_VALUE_BYTES ? { value: new JsonText(text) } : { size };
};

const shownSize = (payload: MemberPayload | undefined): JsonOutput =>
  payload === undefined ? null : { size: payload.sizeBytes };

interface PayloadDifferences {
  readonly differences: readonly JsonOutput[];
  readonly more: number;
  /** False: of values of one size no more is known. */
  readonly isCompared: boolean;
}

/** What differs between two payload values. One whose text is not at hand is compared by its size. */
const payloadDifferences = (
  values: Sides<MemberPayload | undefined>,
  texts: Sides<PayloadTexts>,
): PayloadDifferences => {
  const { run, other } = values;
  const [mine, theirs] = [run && texts.run.get(run), other && texts.other.get(other)];
  if ((run !== undefined && mine === undefined) || (other !== undefined && theirs === undefined)) {
    const [one, two] = [run && objectOf(run)?.objectKey, other && objectOf(other)?.objectKey];
    if (one !== undefined && one === two) return { differences: [], more: 0, isCompared: true };
    if (run?.sizeBytes === other?.sizeBytes) return { differences: [], more: 0, isCompared: false };
    const difference = { name: null, compared: "size", run: shownSize(run), with: shownSize(other) };
    return { differences: [difference], more: 0, isCompared: true };
  }
  const found = differencesBetween(mine?.text, theirs?.text);
  const shown = found.slice(0, MOST_DIFFERENCES).map((difference) => ({
    name: difference.name?.slice(0, MOST_NAME_CHARACTERS) ?? null,
    compared: "value",
    run: shownValue(difference.run),
    with: shownValue(difference.other),
  }));
  return { differences: shown, more: found.length - shown.length, isCompared: true };
};

/** Names of what is not the same, and of payload of which that is not known. */
interface Findings {
  readonly differs: string[];
  readonly notCompared: string[];
}

/** Adds what differs in a payload field, or nothing where payload may not be seen. */
const addPayloadDifferences = (
  members: Map<string, JsonOutput>,
  field: string,
  of: Sides<readonly MemberPayload[]> & { readonly texts: ComparedTexts; readonly findings: Findings },
): void => {
  if (of.texts === undefined) return;
  const values = { run: payloadNamed(of.run, field), other: payloadNamed(of.other, field) };
  const { differences, more, isCompared } = payloadDifferences(values, of.texts);
  members.set(field, differences);
  if (more > 0) members.set(`${field}_more`, more);
  if (differences.length > 0) of.findings.differs.push(field);
  if (!isCompared) of.findings.notCompared.push(field);
};

const minus = (a: number | null | undefined, b: number | null | undefined): number | null =>
  typeof a === "number" && typeof b === "number" ? Math.round((a - b) * 1e6) / 1e6 : null;

const tokensOfRun = ({ state }: DiffSide): number => {
  const said = state.fields.get("total_tokens");
  return typeof said === "number" ? said : Number(tokensOf(state.nodes));
};

const stepOf = ({ nodeId, rounds, occurrence }: NodePair): Readonly<Record<string, JsonOutput>> => ({
  node_id: nodeId ?? null,
  occurrence,
  rounds: rounds.map(({ kind, containerNodeId, index }) => ({
    kind,
    container_id: containerNodeId ?? null,
    index: index ?? null,
  })),
});

const pathOf = (
  pairs: readonly NodePair[],
  of: { readonly side: keyof Sides<unknown>; readonly name: string },
): Readonly<Record<string, JsonOutput>> => {
  const steps = pairs.filter((pair) => pair[of.side] !== undefined);
  const more = steps.length - MOST_STEPS;
  return {
    [of.name]: steps.slice(0, MOST_STEPS).map(({ nodeId }) => nodeId ?? null),
    ...(more > 0 ? { [`${of.name}_more`]: more } : {}),
  };
};

const presentPath = ({ pairs, partsAt }: RunDiff): JsonOutput => {
  const alone = (side: keyof Sides<unknown>): number => pairs.filter((pair) => pair[side] === undefined).length;
  return {
    same: partsAt === undefined,
    parts_at: partsAt === undefined ? null : { ...stepOf(partsAt), ran_in: partsAt.run === undefined ? "with" : "run" },
    only_in_run: alone("other"),
    only_in_with: alone("run"),
    ...pathOf(pairs, { side: "run", name: "run" }),
    ...pathOf(pairs, { side: "other", name: "with" }),
  };
};

/** Small fields of a run that are compared: whole, though the answer shows what a list does. */
const COMPARED = ["workflow_id", "workflow_version", "triggered_from"] as const;

/** What an error is compared by: as it is shown, and of a long one its size. */
const errorText = (of: Parameters<typeof shortErrorOf>[0]): string => {
  const long = longErrorOf(of);
  return writeJson([shownField(shortErrorOf(of)), long?.sizeBytes ?? null, long?.preview ?? null]);
};

/** Names of figures that are not the same, or are known of one side only. */
const differingFigures = (sides: Readonly<Record<string, Sides<number | null | undefined>>>): string[] =>
  Object.keys(sides).filter((name) => (sides[name]?.run ?? null) !== (sides[name]?.other ?? null));

const differencesOfRuns = (run: RunState, other: RunState): string[] => [
  ...(run.status === other.status ? [] : ["status"]),
  ...COMPARED.filter(
    (name) => writeJson(shownField(run.fields.get(name))) !== writeJson(shownField(other.fields.get(name))),
  ),
  ...(isSameValue(errorText(run), errorText(other)) ? [] : ["error"]),
];

/** What an answer says of two runs as a whole. */
export const presentDiff = (sides: Sides<DiffSide>, diff: RunDiff, texts: ComparedTexts): Map<string, JsonOutput> => {
  const { run, other } = sides;
  const [mine, theirs] = [presentListedRun(run.header), presentListedRun(other.header)];
  const elapsed = (light: Readonly<Record<string, JsonOutput>>) => light["elapsed_time"] as number | null;
  const tokens = { run: tokensOfRun(run), other: tokensOfRun(other) };
  const times = { run: elapsed(mine), other: elapsed(theirs) };
  const differs = [
    ...differencesOfRuns(run.state, other.state),
    ...differingFigures({ elapsed_time: times, total_tokens: tokens }),
  ];
  const notCompared: string[] = [];
  const payload = { run: run.state.payload, other: other.state.payload, texts, findings: { differs, notCompared } };
  const members = new Map<string, JsonOutput>([
    ["run", { ...mine, total_tokens: tokens.run }],
    ["with", { ...theirs, total_tokens: tokens.other }],
    ["difference", { elapsed_time: minus(times.other, times.run), total_tokens: tokens.other - tokens.run }],
    ["differs", differs],
    ["not_compared", notCompared],
  ]);
  if (texts === undefined) members.set("payload_hidden", true);
  for (const field of ["inputs", "outputs"]) addPayloadDifferences(members, field, payload);
  if (diff.partsAt !== undefined) differs.push("path");
  return members.set("path", presentPath(diff));
};

const presentSide = (node: NodeState | undefined): JsonOutput =>
  node === undefined
    ? null
    : {
        node_execution_id: node.nodeExecutionId,
        status: node.status,
        started_at: node.startedAt ? showInstant(node.startedAt) : null,
        elapsed_time: node.elapsedTime ?? null,
        total_tokens: Number(tokensOf([node])),
        attempts_count: attemptsOf(node).length,
        error: shownField(shortErrorOf(node)),
      };

const field = (pair: NodePair, name: string): JsonOutput =>
  shownField(pair.run?.fields.get(name) ?? pair.other?.fields.get(name));

/** One node of two runs: both sides, the difference of what can be counted, and what differs by name. */
export const presentPair = (pair: NodePair, texts: ComparedTexts): Map<string, JsonOutput> => {
  const { run, other } = pair;
  const members = new Map<string, JsonOutput>(Object.entries(stepOf(pair)));
  members.set("node_type", field(pair, "node_type")).set("title", field(pair, "title"));
  members.set("run", presentSide(run)).set("with", presentSide(other));
  if (texts === undefined) members.set("payload_hidden", true);
  if (run === undefined || other === undefined) return members;
  const tokens = { run: Number(tokensOf([run])), other: Number(tokensOf([other])) };
  members.set("difference", {
    elapsed_time: minus(other.elapsedTime, run.elapsedTime),
    total_tokens: tokens.other - tokens.run,
  });
  const differs: string[] = [
    ...(run.status === other.status ? [] : ["status"]),
    ...(isSameValue(errorText(run), errorText(other)) ? [] : ["error"]),
    ...differingFigures({
      elapsed_time: { run: run.elapsedTime, other: other.elapsedTime },
      total_tokens: tokens,
    }),
  ];
  const notCompared: string[] = [];
  members.set("differs", differs).set("not_compared", notCompared);
  const payload = { run: run.payload, other: other.payload, texts, findings: { differs, notCompared } };
  addPayloadDifferences(members, "outputs", payload);
  return members;
};
