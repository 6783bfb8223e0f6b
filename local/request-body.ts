/** Reading a request's body up to API Gateway's limit, and getting rid of what is over it. */
import type { IncomingMessage } from "node:http";

const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** As far as its header says. */
export const hasRoomFor = (request: IncomingMessage): boolean =>
  Number(request.headers["content-length"] ?? 0) <= MAX_BODY_BYTES;

/** Where the body is too large, the rest of it is still unread. Rejects when the client goes away before the end. */
export function readBody(request: IncomingMessage): Promise<Buffer | "too-large"> {
  if (!hasRoomFor(request)) return Promise.resolve("too-large");
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes <= MAX_BODY_BYTES) return;
      request.off("data", take);
      resolve("too-large");
    };
    request.on("data", take);
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("close", () => reject(new Error("the client went away")));
  });
}

const DISCARD_MOST_MS = 5_000;
const QUIET_MS = 250;

/**
 * Discards what a client is still sending, until it is quiet: a connection that is closed over unread bytes is reset, and
 * a reset can overtake the answer.
 */
export async function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(whole);
      clearTimeout(quiet);
      resolve();
    };
    const whole = setTimeout(finish, DISCARD_MOST_MS);
    const quiet = setTimeout(finish, QUIET_MS);
    request.on("data", () => quiet.refresh());
    request.once("end", finish).once("close", finish);
  });
}
