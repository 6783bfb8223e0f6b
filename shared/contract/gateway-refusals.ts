/** What the gateway in front of the functions refuses by itself, in the words of the contract. */
export const GATEWAY_REFUSALS = {
  BAD_REQUEST: {
    status: 400,
    title: "The request is not valid",
    detail: "The request is not HTTP, or its path or query is not percent-encoded correctly.",
  },
  UNAUTHORIZED: {
    status: 401,
    title: "A valid credential is needed",
    detail: "A valid credential is needed: `Authorization: Bearer <key>`.",
  },
  FORBIDDEN: {
    status: 403,
    title: "The credential lacks the scope",
    detail: "This credential does not allow the request.",
  },
  NOT_FOUND: { status: 404, title: "There is no such thing", detail: "There is nothing at this path." },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: "The method is not allowed",
    detail: "This path does not take this method.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    title: "The request took too long",
    detail: "The request did not come to its end in time.",
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    title: "The request is too large",
    detail: "A request body may have up to 4 MB.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: "The content type is not supported",
    detail: "This content type is not taken here.",
  },
  TOO_MANY_REQUESTS: {
    status: 429,
    title: "Too many requests",
    detail: "The tenant, or everybody together, sends faster than was agreed; try again after a second.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: "The headers are too large",
    detail: "The headers of a request may have up to 16 KB.",
  },
  INTERNAL: {
    status: 500,
    title: "Something went wrong on our side",
    detail: "The request could not be served; quote the request id.",
  },
  TIMEOUT: {
    status: 504,
    title: "The answer took too long",
    detail: "The request may have been carried out; sending the same events again is safe.",
  },
} as const satisfies Record<string, { status: number; title: string; detail: string }>;

/** A code that the gateway answers with by itself. */
export type GatewayCode = keyof typeof GATEWAY_REFUSALS;

/** How long a client should wait after `TOO_MANY_REQUESTS` (seconds): limits are by the second. */
export const RETRY_AFTER_SECONDS = 1;
