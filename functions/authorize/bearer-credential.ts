import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";

/** One credential of the characters that RFC 6750 allows: no list, no quotes. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

const ofAuthorization = <T>(headers: Readonly<Record<string, T>> | null): T[] =>
  Object.entries(headers ?? {}).flatMap(([name, value]) => (name.toLowerCase() === "authorization" ? [value] : []));

/**
 * The one credential of a request. Undefined where there is none, and where there are several: which one counts would be
 * the choice of whoever reads the header next.
 */
export const bearerCredential = (
  event: Pick<APIGatewayRequestAuthorizerEvent, "headers" | "multiValueHeaders">,
): string | undefined => {
  const single = ofAuthorization(event.headers);
  const every = ofAuthorization(event.multiValueHeaders).flatMap((values) => values ?? []);
  const [value] = single;
  if (value === undefined || single.length > 1 || every.length > 1) return undefined;
  if (every[0] !== undefined && every[0] !== value) return undefined;
  return BEARER.exec(value.trim())?.[1];
};
