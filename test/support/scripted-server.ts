import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came over the wire. */
export interface Received {
  readonly method: string;
  /** As sent, percent-encoding and all. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a server does with a request. */
export type Reaction = (response: ServerResponse) => void;

/** Answers, with an error document as S3 writes it where a code is given. */
export const answer =
  (
    status: number,
    { code, body = "", headers = {} }: { code?: string; body?: string; headers?: object } = {},
  ): Reaction =>
  (response) => {
    const document = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`;
    response.writeHead(status, { "x-amz-request-id": "4442587FB7D0A2F9", ...headers });
    response.end(code === undefined ? body : document);
  };

/** Breaks the connection instead of answering. */
export const reset: Reaction = (response) => response.destroy();

/** Never answers. */
export const silence: Reaction = () => {};

/** Promises ten bytes and sends four; then the connection breaks, or nothing more comes. */
export const partOfBody =
  (isBroken: boolean): Reaction =>
  (response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("four", () => isBroken && response.destroy());
  };

/** A server on loopback that reacts to one request after another as told, and to all further ones as to the last. */
export interface ScriptedServer {
  readonly endpoint: string;
  readonly received: readonly Received[];
  /** How many connections have been made. */
  connections(): number;
  stop(): Promise<void>;
}

export const startScriptedServer = async (...script: readonly Reaction[]): Promise<ScriptedServer> => {
  const received: Received[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    const reaction = script[Math.min(received.length, script.length) - 1];
    reaction?.(response);
  });
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    connections: () => connections,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
