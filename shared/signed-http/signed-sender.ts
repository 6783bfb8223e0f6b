import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpRequest, type HttpResponse } from "@smithy/core/protocols";
import { Hash } from "@smithy/core/serde";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentity } from "@smithy/types";
import type { ServiceAccess } from "./service-access.ts";
import { ServiceError } from "./service-error.ts";

/** What is particular about a service. */
export interface Service {
  /** As messages name it; in lower case it is what requests are signed for. */
  readonly name: "S3" | "SQS";
  /** S3 signs a path as it is sent, other services encode it once more. */
  readonly signsPathAsSent: boolean;
  /** Error codes that say nothing against the request, whatever status they come with. */
  readonly passingCodes: readonly string[];
  /** The code in the document of an error, or in as much of it as may hold one. */
  readCode(document: string): string | undefined;
}

/** How long to wait, in milliseconds. */
export interface Patience {
  /** For an answer's head from the start of a try; bodies have more time by their size. */
  readonly answerMs: number;
  /** The most before the second try, and half the most before the third. */
  readonly backoffMs: number;
}

/** What requests are signed and timed by. */
export interface Sending extends Pick<ServiceAccess, "region" | "credentials"> {
  readonly patience: Patience;
}

/** One request. */
export interface SignedRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Without a query. */
  readonly url: string;
  readonly query?: Readonly<Record<string, string>>;
  /** In lower case; they are signed, and those that every request has come with them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Where the service needs more time for its answer than others do (milliseconds): instead of the sender's own. */
  readonly answerMs?: number;
}

/** What a service answers. */
export interface ServiceAnswer {
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const TRIES = 3;
/** The slowest that a body may be under way (4 MB/s): 30 MB, more than any object of an entry, take 7.5 s. */
const LEAST_BYTES_PER_MS = 4000;
const MOST_ERROR_BYTES = 4096;
const TOO_MANY_REQUESTS = 429;

const readError = (service: Service, response: HttpResponse, body: Uint8Array): ServiceError => {
  const { statusCode: status, headers } = response;
  const code = service.readCode(Buffer.from(body.subarray(0, MOST_ERROR_BYTES)).toString());
  const requestId = headers["x-amz-request-id"] ?? headers["x-amzn-requestid"];
  const isPassing = status >= 500 || status === TOO_MANY_REQUESTS || service.passingCodes.includes(code ?? "");
  return new ServiceError({ service: service.name, status, code, requestId, isPassing });
};

/** Whether to try again: anything but what a service says against the request, so a server out of reach as well. */
const isPassing = (error: unknown): boolean => !(error instanceof ServiceError) || error.isPassing;

const milliseconds = (bytes: number): number => bytes / LEAST_BYTES_PER_MS;

/** The answer's body to its end, whatever the answer is, so that its connection is free or closed afterwards. */
const readBody = async (response: HttpResponse, answerMs: number): Promise<Uint8Array> => {
  const stream = response.body as IncomingMessage;
  const tooLate = () => stream.destroy(new DOMException("the answer took too long", "TimeoutError"));
  const deadline = setTimeout(tooLate, answerMs + milliseconds(Number(response.headers["content-length"] ?? 0)));
  try {
    return Buffer.concat(await stream.toArray());
  } finally {
    clearTimeout(deadline);
  }
};

/**
 * Sends requests to a service of AWS, signed (SigV4), and gives the answer. Three tries in all where the
 * network or the server fails or asks for less speed, with pauses of random length between them, so a request has to be
 * one that can be repeated. Throws {@link ServiceError} for what the service refuses, and what the network and the
 * provider of credentials throw.
 *
 * The signature covers the SHA-256 of the body, which the service compares with what arrived: a body damaged or cut short
 * is not taken. A checksum header (`x-amz-checksum-crc32`) would promise the same of S3, leave the body out of the
 * signature, and is not known to every server that speaks S3.
 */
export const signedSender = (service: Service, { region, credentials, patience }: Sending) => {
  const signer = new SignatureV4({
    service: service.name.toLowerCase(),
    region,
    credentials: async () => credentials() as Promise<AwsCredentialIdentity>,
    uriEscapePath: !service.signsPathAsSent,
    sha256: Hash.bind(null, "sha256"),
  });
  const handler = new NodeHttpHandler({ throwOnRequestTimeout: true });

  const attempt = async (request: SignedRequest, digest: string): Promise<ServiceAnswer> => {
    const { method, url, query = {}, body, answerMs = patience.answerMs } = request;
    const { protocol, hostname, host, port, pathname } = new URL(url);
    const headers = {
      host,
      "x-amz-content-sha256": digest,
      ...(body === undefined ? {} : { "content-length": String(body.length) }),
      ...request.headers,
    };
    const target = { protocol, hostname, ...(port === "" ? {} : { port: Number(port) }), path: pathname };
    const signed = await signer.sign(new HttpRequest({ ...target, query, method, headers, body }));
    const requestTimeout = answerMs + milliseconds(body?.length ?? 0);
    const { response } = await handler.handle(signed as HttpRequest, { requestTimeout });
    const content = await readBody(response, answerMs);
    if (response.statusCode >= 300) throw readError(service, response, content);
    return { headers: response.headers, body: content };
  };

  return async (request: SignedRequest): Promise<ServiceAnswer> => {
    const digest = createHash("sha256")
      .update(request.body ?? "")
      .digest("hex");
    for (let tried = 1; ; tried += 1) {
      try {
        return await attempt(request, digest);
      } catch (error) {
        if (tried === TRIES || !isPassing(error)) throw error;
        await sleep(Math.random() * patience.backoffMs * tried);
      }
    }
  };
};
