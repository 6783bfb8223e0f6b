import { payloadOf, presentAttempt, presentNode } from "../../shared/app/read/present-node.ts";
import { attemptsOf } from "../../shared/domain/fold/attempts.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { NO_SUCH_RUN } from "../../shared/lambda/named-run.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { nodeExecutionIdOf } from "../../shared/lambda/request.ts";
import { requestedRun, textsFor } from "./requested-run.ts";

/** `GET /v1/runs/{run_id}/nodes/{node_execution_id}` */
export const getNode =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const found = await requestedRun(dependencies, request);
    if (found === undefined) return NO_SUCH_RUN;
    const id = nodeExecutionIdOf(request);
    const node = found.run.state.nodes.find((other) => other.nodeExecutionId === id);
    if (node === undefined) return refuse("NOT_FOUND", "the run has no node execution of this id");
    const attempts = attemptsOf(node);
    const view = await textsFor(dependencies, request, {
      run: found.key,
      expiresAt: found.run.header.expiresAt,
      payload: payloadOf(node, attempts),
    });
    if ("code" in view) return view;
    const members = presentNode(node, view);
    members.set(
      "attempts",
      attempts.map((attempt) => presentAttempt(attempt, view)),
    );
    return jsonAnswer(members);
  };
