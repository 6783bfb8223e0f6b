/** What a log line may hold: names and numbers, never payloads or keys. */
export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/** Where log lines go. */
export type Log = (line: LogLine) => void;

/** An error without what SDKs hang on it: name, message, stack and cause. */
const plain = (error: unknown): unknown =>
  error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack, cause: plain(error.cause) }
    : undefined;

/** One JSON line on standard output, as CloudWatch takes it. */
export const jsonLog: Log = (line) => {
  const text = JSON.stringify({ ...line, ...("error" in line ? { error: plain(line.error) } : {}) });
  process.stdout.write(`${text}\n`);
};
