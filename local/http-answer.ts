/** Answers of the HTTP front: those of functions as API Gateway sends them on, and its own as problem documents. */
import { randomUUID } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { APIGatewayProxyResult } from "aws-lambda";
import { GATEWAY_REFUSALS, type GatewayCode } from "../shared/contract/gateway-refusals.ts";
import { discardBody } from "./request-body.ts";

/** An answer as the front sends it. */
export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** A problem document (RFC 9457). */
export function problem(code: GatewayCode, requestId: string, headers: Answer["headers"] = {}): Answer {
  const { status, title, detail } = GATEWAY_REFUSALS[code];
  const document = { type: "about:blank", title, status, detail, code, request_id: requestId };
  return {
    status,
    headers: { "content-type": "application/problem+json", "x-request-id": requestId, ...headers },
    body: Buffer.from(JSON.stringify(document)),
  };
}

/** As much as Lambda carries of a function's result, in JSON. */
const MOST_RESULT_BYTES = 6_291_556;

/** Throws where the result is not one that Lambda and API Gateway would take. */
export function toAnswer(result: APIGatewayProxyResult, requestId: string): Answer {
  if (!Number.isInteger(result?.statusCode)) throw new TypeError("a function answered without a status code");
  if (Buffer.byteLength(JSON.stringify(result)) > MOST_RESULT_BYTES) {
    throw new TypeError("a function's answer is more than Lambda carries");
  }
  const headers: Record<string, string | string[]> = { "x-request-id": requestId };
  for (const [name, value] of Object.entries(result.headers ?? {})) headers[name.toLowerCase()] = String(value);
  for (const [name, values] of Object.entries(result.multiValueHeaders ?? {})) {
    headers[name.toLowerCase()] = values.map(String);
  }
  return {
    status: result.statusCode,
    headers,
    body: Buffer.from(result.body ?? "", result.isBase64Encoded ? "base64" : "utf8"),
  };
}

/** Sends an answer and ends the response. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  writeHead(response, answer);
  response.end(answer.body);
}

/**
 * Answers while the client may still be sending, and closes the connection afterwards. The answer is out before the rest
 * of the body is taken in, and a client that stops at the answer has nothing more to wait for.
 */
export async function sendEarly(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  response.setHeader("connection", "close");
  writeHead(response, answer);
  response.write(answer.body);
  await discardBody(request);
  response.end();
}

/** Answers what is not HTTP, or not in time. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
  const codes: Record<string, GatewayCode> = {
    HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
    ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
  };
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { status, headers, body } = problem(codes[error.code ?? ""] ?? "BAD_REQUEST", randomUUID());
  const lines = Object.entries({ ...headers, connection: "close", "content-length": body.length });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
}

function writeHead(response: ServerResponse, { status, headers, body }: Answer): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status !== 204 && status !== 304) response.setHeader("content-length", body.length);
  response.writeHead(status);
}
