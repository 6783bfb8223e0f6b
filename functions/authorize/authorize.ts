import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { credentialOf } from "../../shared/app/api-keys.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";

const BEARER = /^Bearer +(\S+)$/i;

/** API Gateway answers 401 to exactly this error. */
const unauthorized = (): Error => new Error("Unauthorized");

/** Allows the whole stage, not the one route: the answer is cached for all of them. Scopes are checked by the functions. */
const stageOf = (methodArn: string): string => `${methodArn.split("/").slice(0, 2).join("/")}/*`;

const headerOf = (event: APIGatewayRequestAuthorizerEvent): string | undefined =>
  Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === "authorization")?.[1];

/** Turns a credential into tenant and scopes; nothing else sets the tenant. */
export const authorizeFunction =
  (dependencies: Pick<Dependencies, "credentials" | "clock">) =>
  async (event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    const key = BEARER.exec(headerOf(event)?.trim() ?? "")?.[1];
    if (key === undefined) throw unauthorized();
    const credential = await credentialOf(dependencies.credentials, key, dependencies.clock.now());
    if (credential === undefined) throw unauthorized();
    return {
      principalId: credential.tenantId,
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: stageOf(event.methodArn) }],
      },
      context: { tenant_id: credential.tenantId, scopes: credential.scopes.join(" "), key_name: credential.name },
    };
  };
