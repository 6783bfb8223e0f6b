/** What a service answers instead of doing what was asked. */
export interface Refused {
  readonly status: number;
  /** As in the service's list of error codes; undefined where the answer has none. */
  readonly code: string | undefined;
}

/** A service did not do what was asked, and said so. Its message names status, code and request id, never the body. */
export class ServiceError extends Error implements Refused {
  override readonly name = "ServiceError";
  readonly status: number;
  readonly code: string | undefined;
  /** Whether the same request may succeed in a moment: the server is in trouble, or asks for less speed. */
  readonly isPassing: boolean;

  constructor(answer: Refused & { service: string; requestId: string | undefined; isPassing: boolean }) {
    const { service, status, code, requestId = "unknown" } = answer;
    super(`${service} answered ${status} ${code ?? "without a code"}, request id ${requestId}`);
    this.status = status;
    this.code = code;
    this.isPassing = answer.isPassing;
  }
}

/** What went wrong in a word or two: the service's status and code, the network's code, or the error's name. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof ServiceError) return `${error.status} ${error.code ?? "without a code"}`;
  const { name = "unknown", code } = (error ?? {}) as { readonly name?: string; readonly code?: unknown };
  return typeof code === "string" ? code : name;
};
