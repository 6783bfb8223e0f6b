import * as v from "valibot";
import {
  type ComparedTexts,
  type DiffSide,
  payloadNamed,
  presentDiff,
  presentPair,
  type Sides,
} from "../../shared/app/read/present-diff.ts";
import { readRun, readTextsUnlessDeleted } from "../../shared/app/read/read-run.ts";
import { asOf, snapshotOf } from "../../shared/app/read/run-snapshot.ts";
import { RunId, type RunKey } from "../../shared/contract/identifiers.ts";
import { diffRuns, type NodePair } from "../../shared/domain/diff/diff.ts";
import type { MemberPayload } from "../../shared/domain/fold/member.ts";
import { objectOf } from "../../shared/domain/large-payload.ts";
import { jsonAnswer, type Refusal } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { NO_SUCH_RUN } from "../../shared/lambda/named-run.ts";
import { pageOf } from "../../shared/lambda/page.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import { previewFor, requestedRun } from "./requested-run.ts";

const parameters = {
  with: RunId,
  limit: wholeNumber({ min: 1, max: 1000, otherwise: 100 }),
};

const wholeFromZero = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Snapshot = v.object({ settled: wholeFromZero, recent: v.array(v.string()), version: wholeFromZero });

/** How many pairs the pages before held, and both runs as the first page showed them: their pairs are the same on every page. */
const Position = v.object({ pairs: wholeFromZero, run: Snapshot, with: Snapshot });

/** So much payload is read to compare the nodes of one page (bytes): a page ends where the next would exceed it. */
const MOST_COMPARED_BYTES = 16 * 1024 * 1024;

/** What is compared of a node's payload. */
const outputsOf = (node: NodePair["run"]): MemberPayload[] =>
  node === undefined ? [] : [payloadNamed(node.payload, "outputs") ?? []].flat();

/** Values that are objects of their own are compared by size. */
const readable = (payload: readonly MemberPayload[]): MemberPayload[] =>
  payload.filter((value) => objectOf(value) === undefined);

const bytesOf = (pair: NodePair): number =>
  readable([...outputsOf(pair.run), ...outputsOf(pair.other)]).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** The pairs of a page, by number and by what must be read to compare them. */
const startOfPage = (pairs: readonly NodePair[], limit: number): NodePair[] => {
  let bytes = 0;
  const page: NodePair[] = [];
  for (const pair of pairs.slice(0, limit)) {
    bytes += bytesOf(pair);
    if (page.length > 0 && bytes > MOST_COMPARED_BYTES) break;
    page.push(pair);
  }
  return page;
};

/** The texts that a page compares; undefined where the credential may not see payload. Refuses where a run was deleted meanwhile. */
const textsOf = async (
  dependencies: Dependencies,
  request: Request,
  of: { readonly keys: Sides<RunKey>; readonly sides: Sides<DiffSide>; readonly pairs: readonly NodePair[] },
): Promise<ComparedTexts | Refusal> => {
  if (!previewFor(request).seesPayload) return undefined;
  const payloadOf = (side: keyof Sides<unknown>): MemberPayload[] => {
    const own = ["inputs", "outputs"].flatMap((name) => payloadNamed(of.sides[side].state.payload, name) ?? []);
    return readable([...own, ...of.pairs.flatMap((pair) => outputsOf(pair[side]))]);
  };
  const [run, other] = await Promise.all([
    readTextsUnlessDeleted(dependencies, of.keys.run, payloadOf("run")),
    readTextsUnlessDeleted(dependencies, of.keys.other, payloadOf("other")),
  ]);
  return run === undefined || other === undefined ? NO_SUCH_RUN : { run, other };
};

/**
 * `GET /v1/runs/{run_id}/diff?with=<run_id>`: two runs of the tenant side by side, their nodes page by page. All pages
 * show the runs as they were when the first one was read.
 */
export const getDiff =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const { limit, with: otherId } = read.query;
    const readAt = dependencies.clock.now();
    const found = await requestedRun(dependencies, request);
    const otherKey = { tenantId: tenantOf(request), runId: otherId };
    const isSame = found?.key.runId === otherId;
    const other = isSame ? found?.run : await readRun(dependencies, otherKey);
    if (found === undefined || other === undefined) return NO_SUCH_RUN;

    const from = read.position ?? { pairs: 0, run: snapshotOf(found.run, readAt), with: snapshotOf(other, readAt) };
    const sides = { run: asOf(found.run, from.run), other: asOf(other, from.with) };
    const diff = diffRuns(sides.run.state, sides.other.state);
    const pairs = startOfPage(diff.pairs.slice(from.pairs), limit);
    const texts = await textsOf(dependencies, request, { keys: { run: found.key, other: otherKey }, sides, pairs });
    if (texts !== undefined && "code" in texts) return texts;
    const members = presentDiff(sides, diff, texts);
    // What is said of the runs as a whole counts towards the answer's bytes.
    const page = pageOf(limit + 1);
    page.add(members);
    pairs.every((pair) => page.add(presentPair(pair, texts)));
    const nodes = page.items.slice(1);
    const next = from.pairs + nodes.length;
    const end = endOfPage(request, next < diff.pairs.length ? { ...from, pairs: next } : undefined);
    members.set("nodes", nodes);
    for (const [name, value] of Object.entries(end)) {
      members.set(name, value);
    }
    return jsonAnswer(members);
  };
