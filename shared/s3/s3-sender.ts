import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpRequest, type HttpResponse } from "@smithy/core/protocols";
import { Hash } from "@smithy/core/serde";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentity } from "@smithy/types";
import { isPassing, S3Error } from "./s3-error.ts";

/** Who signs. A provider may give others each time. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** How long to wait, in milliseconds. */
export interface Patience {
  /** For an answer's head from the start of a try; bodies have more time by their size. */
  readonly answerMs: number;
  /** The most before the second try, and half the most before the third. */
  readonly backoffMs: number;
}

/** What requests are signed and timed by. */
export interface Sending {
  readonly region: string;
  readonly credentials: () => S3Credentials | Promise<S3Credentials>;
  readonly patience: Patience;
}

/** One request about an object. */
export interface S3Request {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly url: string;
  readonly body?: Uint8Array;
}

const TRIES = 3;
/** The slowest that a body may be under way (4 MB/s): 30 MB, more than any object of an entry, take 7.5 s. */
const LEAST_BYTES_PER_MS = 4000;
const MOST_ERROR_BYTES = 4096;

const readError = (response: HttpResponse, body: Uint8Array): S3Error => {
  const text = Buffer.from(body.subarray(0, MOST_ERROR_BYTES)).toString();
  const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1];
  return new S3Error({ status: response.statusCode, code, requestId: response.headers["x-amz-request-id"] ?? null });
};

const milliseconds = (bytes: number): number => bytes / LEAST_BYTES_PER_MS;

/** The answer's body to its end, whatever the answer is, so that its connection is free or closed afterwards. */
const readBody = async (response: HttpResponse, answerMs: number): Promise<Uint8Array> => {
  const stream = response.body as IncomingMessage;
  const tooLate = () => stream.destroy(new DOMException("S3 took too long", "TimeoutError"));
  const deadline = setTimeout(tooLate, answerMs + milliseconds(Number(response.headers["content-length"] ?? 0)));
  try {
    return Buffer.concat(await stream.toArray());
  } finally {
    clearTimeout(deadline);
  }
};

/**
 * Sends requests to S3, signed (SigV4), and gives the body of the answer. Three tries in all where the network or the
 * server fails or asks for less speed, with pauses of random length between them. Throws {@link S3Error} for what S3
 * refuses, and what the network and the provider of credentials throw.
 *
 * The signature covers the SHA-256 of the body, which S3 compares with what arrived: a body damaged or cut short is not
 * kept. A checksum header (`x-amz-checksum-crc32`) would promise the same, leave the body out of the signature, and is
 * not known to every server that speaks S3.
 */
export const s3Sender = ({ region, credentials, patience }: Sending) => {
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials: async () => credentials() as Promise<AwsCredentialIdentity>,
    uriEscapePath: false,
    sha256: Hash.bind(null, "sha256"),
  });
  const handler = new NodeHttpHandler({ throwOnRequestTimeout: true });

  const attempt = async ({ method, url, body }: S3Request, digest: string): Promise<Uint8Array> => {
    const { protocol, hostname, host, port, pathname } = new URL(url);
    const headers = {
      host,
      "x-amz-content-sha256": digest,
      ...(body === undefined
        ? {}
        : // An emulator may take an empty body without a type for none.
          { "content-type": "application/octet-stream", "content-length": String(body.length) }),
    };
    const target = { protocol, hostname, ...(port === "" ? {} : { port: Number(port) }), path: pathname };
    const signed = await signer.sign(new HttpRequest({ ...target, method, headers, body }));
    const requestTimeout = patience.answerMs + milliseconds(body?.length ?? 0);
    const { response } = await handler.handle(signed as HttpRequest, { requestTimeout });
    const content = await readBody(response, patience.answerMs);
    if (response.statusCode >= 300) throw readError(response, content);
    return content;
  };

  return async (request: S3Request): Promise<Uint8Array> => {
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
