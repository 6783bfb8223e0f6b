/** What a code means outside: over HTTP a status and a title; on the queue whether the event is kept or comes again. */
interface Outcome {
  readonly status: number;
  readonly title: string;
  /** Events only: `quarantine` and `drop` are final, `retry` leaves the message on the queue. */
  readonly queue?: "quarantine" | "retry" | "drop";
}

/** Every code of the API, once. Nothing else mentions a status number. */
export const OUTCOMES = {
  NOT_JSON: { status: 400, title: "The body is not JSON", queue: "quarantine" },
  INVALID_REQUEST: { status: 400, title: "The request is not valid", queue: "quarantine" },
  INVALID_EVENT: { status: 400, title: "The event is not valid", queue: "quarantine" },
  AT_IN_FUTURE: { status: 400, title: "The event is of the future", queue: "quarantine" },
  TOO_DEEP: { status: 400, title: "The event is nested too deep", queue: "quarantine" },
  EVENT_TOO_LARGE: { status: 413, title: "The event is too large", queue: "quarantine" },
  RUN_EXPIRED: { status: 410, title: "The run has expired", queue: "drop" },
  RUN_DELETED: { status: 410, title: "The run was deleted", queue: "drop" },
  UNKNOWN_EPOCH: { status: 409, title: "No claim opened this epoch", queue: "quarantine" },
  UPLOAD_NOT_FOUND: { status: 404, title: "There is no such upload", queue: "quarantine" },
  UPLOADS_REFUSED: { status: 409, title: "The app takes no uploads", queue: "quarantine" },
  NO_EVENTS: { status: 400, title: "The request holds no events" },
  ALL_REJECTED: { status: 400, title: "Every event was rejected" },
  TOO_MANY_EVENTS: { status: 400, title: "The request holds too many events" },
  REQUEST_TOO_LARGE: { status: 413, title: "The request is too large" },
  UNSUPPORTED_ENCODING: { status: 415, title: "The content encoding is not supported" },
  BAD_ENCODING: { status: 400, title: "The body cannot be decoded" },
  CURSOR_INVALID: { status: 400, title: "The cursor is damaged" },
  CURSOR_MISMATCH: { status: 400, title: "The cursor belongs to another query" },
  PRECONDITION_FAILED: { status: 412, title: "It is of another version" },
  FILTER_MISSING: { status: 400, title: "No filter says which runs" },
  LEGAL_HOLD: { status: 409, title: "The run is on legal hold" },
  SETTINGS_CHANGED: { status: 409, title: "The settings were changed by somebody else" },
  UNAUTHORIZED: { status: 401, title: "A valid credential is needed" },
  FORBIDDEN: { status: 403, title: "The credential lacks the scope" },
  NOT_FOUND: { status: 404, title: "There is no such thing" },
  UNAVAILABLE: { status: 503, title: "The store is not available", queue: "retry" },
  INTERNAL: { status: 500, title: "Something went wrong on our side" },
} as const satisfies Record<string, Outcome>;

/** A stable code of the API. */
export type Code = keyof typeof OUTCOMES;

/** The answer holds all that was asked for. */
export const STATUS_OK = 200;
/** There is something new. */
export const STATUS_CREATED = 201;
/** Events wait on the queue. */
export const STATUS_QUEUED = 202;
/** A job goes on with it. */
export const STATUS_STARTED = 202;
/** Some events were accepted, some not. */
export const STATUS_MIXED = 207;
/** The caller has the current state already. */
export const STATUS_NOT_MODIFIED = 304;
