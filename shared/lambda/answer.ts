import type { InputError } from "../contract/event.ts";
import { type JsonOutput, writeJson } from "../contract/json-text.ts";
import { type Code, OUTCOMES, STATUS_OK } from "./outcomes.ts";

/** An HTTP answer before API Gateway's form. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer of JSON, 200 where not said otherwise. */
export const jsonAnswer = (
  body: JsonOutput,
  options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Answer => ({
  status: options.status ?? STATUS_OK,
  headers: { "content-type": "application/json", ...options.headers },
  body: writeJson(body),
});

/** A no with its reasons; becomes a problem document (RFC 9457). */
export interface Refusal {
  readonly code: Code;
  readonly detail: string;
  readonly errors?: readonly InputError[];
  /** Members of its own, beside the standard ones. */
  readonly members?: Readonly<Record<string, JsonOutput>>;
}

/** A refusal by its code; `detail` says what was expected and what came. */
export const refuse = (code: Code, detail: string, more: Omit<Refusal, "code" | "detail"> = {}): Refusal => ({
  code,
  detail,
  ...more,
});

/** How long a client should wait before it sends again what the store did not take (seconds). */
const RETRY_AFTER_SECONDS = "2";

/** Headers that belong to a code. */
const HEADERS: Partial<Record<Code, Answer["headers"]>> = {
  UNAUTHORIZED: { "www-authenticate": "Bearer" },
  UNAVAILABLE: { "retry-after": RETRY_AFTER_SECONDS },
};

/** The problem document of a refusal. */
export const problemAnswer = (refusal: Refusal, requestId: string): Answer => {
  const { status, title } = OUTCOMES[refusal.code];
  const errors = refusal.errors?.map(({ path, message }) => ({ path, message }));
  return {
    status,
    headers: { "content-type": "application/problem+json", ...HEADERS[refusal.code] },
    body: writeJson({
      type: "about:blank",
      title,
      status,
      detail: refusal.detail,
      code: refusal.code,
      request_id: requestId,
      errors,
      ...refusal.members,
    }),
  };
};
