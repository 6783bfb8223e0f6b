/** What CloudFormation and API Gateway know of a deployed stage, as far as the command line asks them. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A usage key as API Gateway keeps it. */
export interface FakeUsageKey {
  readonly id: string;
  readonly name: string;
  readonly value: string;
}

/** The two services on one address. */
export interface FakeStage {
  readonly url: string;
  /** Outputs by the name of their stack. A stack that is not here does not exist. */
  readonly stacks: Map<string, Record<string, string>>;
  readonly usageKeys: FakeUsageKey[];
  /** Ids of the keys in each usage plan. All plans are of one stage. */
  readonly plans: Map<string, Set<string>>;
  /** For how long the API remembers what its authorizer said. */
  authorizerCacheSeconds: number;
  stop(): Promise<void>;
}

interface FakeAnswer {
  readonly status: number;
  readonly body: string;
}

/** Pages are short, so that who reads only the first one is found out. */
const PAGE_LENGTH = 2;

const json = (status: number, body: unknown): FakeAnswer => ({ status, body: JSON.stringify(body) });
const error = (status: number, type: string): FakeAnswer => json(status, { __type: type, message: type });
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const describeStack = (stage: FakeStage, name: string): FakeAnswer => {
  const outputs = stage.stacks.get(name);
  if (outputs === undefined) {
    const message = `Stack with id ${name} does not exist`;
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`;
    return { status: 400, body };
  }
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${escaped(value)}</OutputValue></member>`,
  );
  const stack = `<StackName>${name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members.join("")}</Outputs>`;
  const result = `<DescribeStacksResult><Stacks><member>${stack}</member></Stacks></DescribeStacksResult>`;
  return { status: 200, body: `<DescribeStacksResponse>${result}</DescribeStacksResponse>` };
};

const page = (items: readonly unknown[], position: string | null): FakeAnswer => {
  const start = Number(position ?? 0);
  const end = start + PAGE_LENGTH;
  return json(200, { item: items.slice(start, end), ...(end < items.length ? { position: String(end) } : {}) });
};

const answerGateway = (stage: FakeStage, method: string, url: URL, body: string): FakeAnswer => {
  const { searchParams, pathname } = url;
  const [, collection, id = "", , keyId = ""] = pathname.split("/");
  const position = searchParams.get("position");
  if (collection === "apikeys" && method === "POST") {
    const key = { ...JSON.parse(body), id: randomUUID() } as FakeUsageKey;
    stage.usageKeys.push(key);
    return json(201, key);
  }
  if (collection === "apikeys" && method === "DELETE") {
    const index = stage.usageKeys.findIndex((key) => key.id === id);
    if (index === -1) return error(404, "NotFoundException");
    stage.usageKeys.splice(index, 1);
    for (const keys of stage.plans.values()) keys.delete(id);
    return { status: 202, body: "" };
  }
  if (collection === "restapis") {
    return json(200, { item: [{ authorizerResultTtlInSeconds: stage.authorizerCacheSeconds }] });
  }
  if (collection === "apikeys") {
    const begin = searchParams.get("name") ?? "";
    const found = stage.usageKeys.filter(({ name }) => name.startsWith(begin));
    const isShown = searchParams.get("includeValues") === "true";
    return page(
      found.map((key) => (isShown ? key : { ...key, value: undefined })),
      position,
    );
  }
  const plan = stage.plans.get(id);
  if (plan === undefined) return error(404, "NotFoundException");
  if (method === "GET") return plan.has(keyId) ? json(200, { id: keyId }) : error(404, "NotFoundException");
  if (method === "DELETE") return plan.delete(keyId) ? { status: 202, body: "" } : error(404, "NotFoundException");
  const { keyId: added } = JSON.parse(body) as { keyId: string };
  if ([...stage.plans.values()].some((keys) => keys.has(added))) return error(409, "ConflictException");
  plan.add(added);
  return json(201, { id: added });
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** A stage that knows no stack yet. */
export const startFakeStage = async (): Promise<FakeStage> => {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const body = await bodyOf(request);
    const { status, body: text } =
      url.pathname === "/"
        ? describeStack(stage, new URLSearchParams(body).get("StackName") ?? "")
        : answerGateway(stage, request.method ?? "", url, body);
    const isError = status >= 400 && url.pathname !== "/";
    const type = isError ? { "x-amzn-errortype": (JSON.parse(text) as { __type: string }).__type } : {};
    response.writeHead(status, type).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stage: FakeStage = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stacks: new Map(),
    usageKeys: [],
    plans: new Map(),
    authorizerCacheSeconds: 60,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
  return stage;
};
