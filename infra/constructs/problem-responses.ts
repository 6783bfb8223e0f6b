import { ResponseType, type RestApiBase } from "aws-cdk-lib/aws-apigateway";
import { GATEWAY_REFUSALS, type GatewayCode, RETRY_AFTER_SECONDS } from "../../shared/contract/gateway-refusals.ts";

/** Every kind of answer that API Gateway gives by itself, and what it is to a caller. */
const CODES: readonly (readonly [ResponseType, GatewayCode])[] = [
  [ResponseType.ACCESS_DENIED, "FORBIDDEN"],
  [ResponseType.API_CONFIGURATION_ERROR, "INTERNAL"],
  [ResponseType.AUTHORIZER_CONFIGURATION_ERROR, "INTERNAL"],
  [ResponseType.AUTHORIZER_FAILURE, "INTERNAL"],
  [ResponseType.BAD_REQUEST_BODY, "BAD_REQUEST"],
  [ResponseType.BAD_REQUEST_PARAMETERS, "BAD_REQUEST"],
  // Every other kind stands here: what is left is said of paths that are not there.
  [ResponseType.DEFAULT_4XX, "NOT_FOUND"],
  [ResponseType.DEFAULT_5XX, "INTERNAL"],
  // These two are about requests signed for AWS, which no route takes: for a path that is not there API Gateway reads any
  // `Authorization` as such a signature.
  [ResponseType.EXPIRED_TOKEN, "NOT_FOUND"],
  [ResponseType.INTEGRATION_FAILURE, "INTERNAL"],
  [ResponseType.INTEGRATION_TIMEOUT, "TIMEOUT"],
  // The authorizer names the usage key, not the caller: one that API Gateway does not know is our fault.
  [ResponseType.INVALID_API_KEY, "INTERNAL"],
  [ResponseType.INVALID_SIGNATURE, "NOT_FOUND"],
  // What API Gateway says of a path, or a method of it, that it does not know.
  [ResponseType.MISSING_AUTHENTICATION_TOKEN, "NOT_FOUND"],
  [ResponseType.QUOTA_EXCEEDED, "TOO_MANY_REQUESTS"],
  [ResponseType.REQUEST_TOO_LARGE, "REQUEST_TOO_LARGE"],
  [ResponseType.RESOURCE_NOT_FOUND, "NOT_FOUND"],
  [ResponseType.THROTTLED, "TOO_MANY_REQUESTS"],
  [ResponseType.UNAUTHORIZED, "UNAUTHORIZED"],
  [ResponseType.UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"],
  [ResponseType.WAF_FILTERED, "FORBIDDEN"],
];

const headersOf = (code: GatewayCode): Record<string, string> => ({
  "Content-Type": "'application/problem+json'",
  "x-request-id": "context.requestId",
  ...(code === "UNAUTHORIZED" ? { "www-authenticate": "'Bearer'" } : {}),
  ...(code === "TOO_MANY_REQUESTS" ? { "retry-after": `'${RETRY_AFTER_SECONDS}'` } : {}),
});

/** Makes every answer of the gateway itself a problem document (RFC 9457) with the request's id. */
export const answerProblems = (api: RestApiBase): void => {
  for (const [type, code] of CODES) {
    const { status, title, detail } = GATEWAY_REFUSALS[code];
    const document = { type: "about:blank", title, status, detail, code, request_id: "$context.requestId" };
    api.addGatewayResponse(`Problem${type.responseType}`, {
      type,
      statusCode: String(status),
      responseHeaders: headersOf(code),
      templates: { "application/json": JSON.stringify(document) },
    });
  }
};
