/** Codes with a status of 400 that say nothing against the request: it came too slowly, damaged, or its credentials are old. */
const PASSING_CODES = ["RequestTimeout", "XAmzContentSHA256Mismatch", "ExpiredToken"];
const TOO_MANY_REQUESTS = 429;

/** S3 did not do what was asked, and said so. Its message names status, code and request id, never the body. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly status: number;
  /** As in S3's list of error codes; undefined where the answer has none. */
  readonly code: string | undefined;

  constructor(answer: { status: number; code: string | undefined; requestId: string | null }) {
    const { status, code, requestId } = answer;
    super(`S3 answered ${status} ${code ?? "without a code"}, request id ${requestId ?? "unknown"}`);
    this.status = status;
    this.code = code;
  }
}

/** Whether the same request may succeed in a moment: a server out of reach or in trouble, and what asks for less speed. */
export const isPassing = (error: unknown): boolean => {
  if (!(error instanceof S3Error)) return true;
  return error.status >= 500 || error.status === TOO_MANY_REQUESTS || PASSING_CODES.includes(error.code ?? "");
};

/** A request that can never succeed as it is. What a policy or a missing bucket refuses may succeed once that is put right. */
export const isFinal = (error: unknown): boolean =>
  error instanceof S3Error && error.status === 400 && !PASSING_CODES.includes(error.code ?? "");

/** Whether the bucket is there and the object is not. */
export const isMissingObject = (error: unknown): boolean => error instanceof S3Error && error.code === "NoSuchKey";

/** What went wrong in a word or two: S3's status and code, the network's code, or the error's name. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof S3Error) return `${error.status} ${error.code ?? "without a code"}`;
  const { name = "unknown", code } = (error ?? {}) as { readonly name?: string; readonly code?: unknown };
  return typeof code === "string" ? code : name;
};
