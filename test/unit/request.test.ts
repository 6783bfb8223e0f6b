import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayProxyEvent } from "aws-lambda";
import { appIdOf, nodeExecutionIdOf, requestOf, runIdOf } from "../../shared/lambda/request.ts";

const GET_NODE = JSON.parse(
  readFileSync(join(__dirname, "../../events/api-gateway/get-node.json"), "utf8"),
) as APIGatewayProxyEvent;

const withPath = (pathParameters: APIGatewayProxyEvent["pathParameters"]) => requestOf({ ...GET_NODE, pathParameters });

describe("an id of a path", () => {
  test.each([
    ["as it is", "run:1.a_b-c", "run:1.a_b-c"],
    ["percent-encoded, as API Gateway hands it on", "run%3A1%2Ea", "run:1.a"],
    ["in small letters", "run%3a1", "run:1"],
  ])("is read where it came %s", (_how, sent, read) => {
    const request = withPath({ run_id: sent, app_id: sent, node_execution_id: sent });

    expect([runIdOf(request), appIdOf(request), nodeExecutionIdOf(request)]).toEqual([read, read, read]);
  });

  test.each(["a%2Fb", "T%23demo", "run%00", "run%", "%E4", "%zz", "", "a/b", "%2e%2e%2f"])("is none: %j", (sent) => {
    expect(runIdOf(withPath({ run_id: sent }))).toBeUndefined();
  });

  test("is none where the route has no parameters", () => {
    expect(runIdOf(withPath(null))).toBeUndefined();
  });
});
