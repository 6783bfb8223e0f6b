/** What API Gateway does with a Lambda authorizer: asks it, and reads its policy. */
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent, Context, Statement } from "aws-lambda";
import { lambdaContext } from "./lambda-context.ts";

/** The authorizer's handler. */
export type AuthorizeFunction = (
  event: APIGatewayRequestAuthorizerEvent,
  context: Context,
) => Promise<APIGatewayAuthorizerResult>;

/** What the authorizer said: go on with a context, or the answer to give. */
export type Authorization =
  | { readonly kind: "allowed"; readonly authorizer: Record<string, unknown> }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "forbidden" };

/** A request without a credential is refused unasked. Throws what the authorizer throws, but for `Unauthorized`. */
export async function askAuthorizer(
  authorize: AuthorizeFunction,
  event: APIGatewayRequestAuthorizerEvent,
): Promise<Authorization> {
  const hasCredential = Object.entries(event.headers ?? {}).some(
    ([name, value]) => name.toLowerCase() === "authorization" && value,
  );
  if (!hasCredential) return { kind: "unauthorized" };

  const startedAt = Date.now();
  let result: APIGatewayAuthorizerResult;
  try {
    result = await authorize(event, lambdaContext("runstone-authorize", event.requestContext.requestId));
  } catch (error) {
    if (error instanceof Error && error.message === "Unauthorized") return { kind: "unauthorized" };
    throw error;
  }
  if (!isAllowed(result.policyDocument.Statement, event.methodArn)) return { kind: "forbidden" };
  const context = Object.entries(result.context ?? {}).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [[name, String(value)]],
  );
  return {
    kind: "allowed",
    authorizer: {
      ...Object.fromEntries(context),
      principalId: result.principalId,
      integrationLatency: Date.now() - startedAt,
    },
  };
}

/** A statement that denies wins; without one that allows, the answer is no. */
function isAllowed(statements: readonly Statement[], methodArn: string): boolean {
  const effects = statements
    .filter((statement) => "Resource" in statement && listOf(statement.Resource).some((it) => covers(it, methodArn)))
    .map((statement) => statement.Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

const listOf = (resource: string | readonly string[] | undefined): readonly string[] =>
  typeof resource === "string" ? [resource] : (resource ?? []);

/** `*` stands for any text, `?` for one character. */
function covers(pattern: string, arn: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "s").test(arn);
}
