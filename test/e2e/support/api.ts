import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { GATEWAY_REFUSALS, type GatewayCode } from "../../../shared/contract/gateway-refusals.ts";
import { type Code, OUTCOMES } from "../../../shared/lambda/outcomes.ts";
import { deployment } from "./deployment.ts";

/** An answer of the deployed API. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as a client does
  readonly json: any;
}

/** A request to the deployed API. */
export interface Call {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

const jsonOf = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/** Sends a request with its path exactly as it is written: `fetch` would resolve `..` and the like. */
export const send = (method: string, path: string, call: Call = {}): Promise<Answer> => {
  const base = new URL(deployment().apiUrl);
  const request = base.protocol === "https:" ? httpsRequest : httpRequest;
  const { key, headers = {}, body } = call;
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(
      {
        method,
        host: base.hostname,
        port: base.port,
        path: `${base.pathname.replace(/\/$/, "")}${path}`,
        headers: {
          ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...headers,
        } as Record<string, string>,
      },
      (response) => {
        text(response).then(
          (all) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: all, json: jsonOf(all) }),
          reject,
        );
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
};

/** Sends a request, and sees to it that the answer has a request id, whoever gave it. */
export const ask = async (method: string, path: string, call: Call = {}): Promise<Answer> => {
  const answer = await send(method, path, call);
  expect([path, answer.headers["x-request-id"]]).toEqual([path, expect.stringMatching(/^[\w-]{8,}$/)]);
  return answer;
};

export const get = (path: string, call?: Call): Promise<Answer> => ask("GET", path, call);

const JSON_TYPE = { "content-type": "application/json" };

/** Records events, each as the text it is, in one JSON request. */
export const postEvents = (key: string, events: readonly string[], headers: Call["headers"] = {}): Promise<Answer> =>
  ask("POST", "/v1/events", { key, headers: { ...JSON_TYPE, ...headers }, body: `{"events":[${events.join(",")}]}` });

const TITLES: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...Object.entries(OUTCOMES), ...Object.entries(GATEWAY_REFUSALS)].map(([code]) => [
    code,
    [OUTCOMES[code as Code]?.title, GATEWAY_REFUSALS[code as GatewayCode]?.title].filter(
      (title) => title !== undefined,
    ),
  ]),
);

/** That an answer is a problem document (RFC 9457) of this code, whole, in the words of the contract. */
export const expectProblem = (answer: Answer, status: number, code: Code | GatewayCode): void => {
  expect({ answered: answer.status, ...(answer.json ?? { text: answer.text }) }).toMatchObject({
    answered: status,
    status,
    code,
    type: expect.any(String),
    detail: expect.stringMatching(/./),
  });
  expect(TITLES[code]).toContain(answer.json.title);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.headers["x-request-id"]).toBe(answer.json.request_id);
};
