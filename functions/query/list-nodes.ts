import * as v from "valibot";
import { presentNode } from "../../shared/app/read/present-node.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import { batchesOf } from "../../shared/domain/batches.ts";
import type { NodeState } from "../../shared/domain/fold/node-fold.ts";
import { comparePositions } from "../../shared/domain/fold/node-order.ts";
import { shownBytesOf } from "../../shared/domain/large-payload.ts";
import { jsonAnswer, type Refusal } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { NO_SUCH_RUN } from "../../shared/lambda/named-run.ts";
import { PAGE_BYTES, type Page, pageOf } from "../../shared/lambda/page.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import type { Request } from "../../shared/lambda/request.ts";
import { previewFor, requestedRun, textsFor } from "./requested-run.ts";

const STATUSES = ["running", "retry", "paused", "succeeded", "failed", "exception", "stopped"] as const;

const parameters = {
  status: v.optional(v.array(v.picklist(STATUSES, `expected one of ${STATUSES.join(", ")}`))),
  node_type: v.optional(v.string()),
  node_id: v.optional(v.string()),
  container_id: v.optional(v.string()),
  include: v.optional(v.picklist(["payload"], "expected payload")),
  limit: wholeNumber({ min: 1, max: 1000, otherwise: 100 }),
};
type Filters = v.InferOutput<v.ObjectSchema<typeof parameters, undefined>>;

const Position = v.tuple([v.nullable(v.number()), v.string(), v.string()]);

const isWanted =
  (filters: Filters) =>
  (node: NodeState): boolean =>
    (filters.status === undefined || filters.status.includes(node.status)) &&
    (filters.node_type === undefined || node.fields.get("node_type") === filters.node_type) &&
    (filters.node_id === undefined || node.fields.get("node_id") === filters.node_id) &&
    (filters.container_id === undefined ||
      [node.fields.get("iteration_id"), node.fields.get("loop_id")].includes(filters.container_id));

const shownPayloadBytes = (node: NodeState): number =>
  node.payload.reduce((total, payload) => total + shownBytesOf(payload), 0);

/** Payload is read for as many nodes together as a page has bytes for, by the known sizes of what is shown. */
const fillWithPayload = async (
  dependencies: Dependencies,
  page: Page,
  from: { request: Request; run: RunKey; expiresAt: number; nodes: readonly NodeState[] },
): Promise<Refusal | undefined> => {
  for (const batch of batchesOf(from.nodes, PAGE_BYTES, shownPayloadBytes)) {
    const payload = batch.flatMap((node) => node.payload);
    const view = await textsFor(dependencies, from.request, { ...from, payload });
    if ("code" in view) return view;
    if (!batch.every((node) => page.add(presentNode(node, view)))) return undefined;
  }
  return undefined;
};

/** `GET /v1/runs/{run_id}/nodes` */
export const listNodes =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const found = await requestedRun(dependencies, request);
    if (found === undefined) return NO_SUCH_RUN;
    const { query, position } = read;
    const nodes = found.run.state.nodes
      .filter(isWanted(query))
      .filter((node) => position === undefined || comparePositions(node.position, position) > 0);
    const page = pageOf(query.limit);
    if (query.include === undefined) nodes.every((node) => page.add(presentNode(node, previewFor(request))));
    else {
      const { expiresAt } = found.run.header;
      const wanted = { request, run: found.key, expiresAt, nodes: nodes.slice(0, query.limit) };
      const refusal = await fillWithPayload(dependencies, page, wanted);
      if (refusal !== undefined) return refusal;
    }
    const last = page.items.length < nodes.length ? nodes[page.items.length - 1] : undefined;
    return jsonAnswer({ data: page.items, ...endOfPage(request, last?.position) });
  };
