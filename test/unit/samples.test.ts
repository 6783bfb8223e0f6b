import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, SQSEvent } from "aws-lambda";
import { readEvent } from "../../shared/contract/event.ts";
import { EVENT_TYPES } from "../../shared/contract/event-fields.ts";
import { ROUTES } from "../../shared/contract/routes.ts";
import { difyEvents } from "../../shared/dify/event.ts";
import { readDifyStream } from "../../shared/dify/stream.ts";

const EVENTS = join(__dirname, "../../events");
const NOW = Date.parse("2026-11-22T10:00:00Z");

const filesOf = (folder: string, extension: string): string[] =>
  readdirSync(join(EVENTS, folder)).filter((name) => name.endsWith(extension));
const textOf = (...path: string[]): string => readFileSync(join(EVENTS, ...path), "utf8");
const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

interface SampleEvent {
  readonly type: string;
  readonly run_id: string;
  readonly app_id?: string;
  readonly status?: string;
}

const accepted = (text: string): SampleEvent => {
  const value = JSON.parse(text) as SampleEvent;
  expect(readEvent({ text, value }, { now: NOW, isFromQueue: false })).toMatchObject({ ok: true });
  return value;
};

describe("the sample runs", () => {
  it.each([
    ["agent", "partial-succeeded"],
    ["chat", "succeeded"],
    ["failure", "failed"],
    ["human-pause", "succeeded"],
    ["nested-loop", "succeeded"],
    ["parallel", "succeeded"],
    ["rag", "succeeded"],
  ])("%s: every event is accepted, of one run, from its start to its end as %s", (name, status) => {
    const events = linesOf(textOf("runs", `${name}.ndjson`)).map(accepted);

    expect(new Set(events.map((event) => event.run_id))).toEqual(new Set([`sample-${name}`]));
    expect(events[0]).toMatchObject({ type: "run.started", app_id: expect.any(String) });
    expect(events.at(-1)).toMatchObject({ type: "run.finished", status });
  });

  it.each([
    ["agent", { text_chunk: 3, ping: 1 }],
    ["chat", { message: 8, ping: 2, message_end: 1 }],
  ])("dify/%s: every frame is accepted or ignored, none is a guess", (name, ignored) => {
    const frames = readDifyStream(textOf("runs", "dify", `${name}.sse`), "event-stream");
    const readings = difyEvents(frames, { appId: "teas", runId: undefined, now: NOW });
    const counts: Record<string, number> = {};
    for (const reading of readings) {
      if ("ignored" in reading) counts[reading.ignored] = (counts[reading.ignored] ?? 0) + 1;
    }
    const mapped = readings.flatMap((reading) => ("event" in reading ? [reading] : []));
    const events = mapped.map((reading) => accepted(reading.event));

    expect(readings.filter((reading) => "refused" in reading)).toEqual([]);
    expect(mapped.filter((reading) => reading.isGuess)).toEqual([]);
    expect(counts).toEqual(ignored);
    expect(new Set(events.map((event) => event.run_id))).toEqual(new Set([`sample-dify-${name}`]));
    expect(events.at(-1)).toMatchObject({ type: "run.finished", status: "succeeded" });
  });

  it("are all that there are, and together hold every type of event but one that no run needs", () => {
    const types = filesOf("runs", ".ndjson").flatMap((name) => linesOf(textOf("runs", name)).map(accepted));

    expect(filesOf("runs", ".ndjson")).toHaveLength(7);
    expect(new Set([...types.map((event) => event.type), "run.scheduled"])).toEqual(new Set(EVENT_TYPES));
  });

  it("hold values that only survive as text", () => {
    const all = filesOf("runs", ".ndjson")
      .map((name) => textOf("runs", name))
      .join("");

    for (const text of ["1e400", "1.0", "90071992547409931234", '"0E-7"', '{"0":', "\\ud83d", '""', "📦"]) {
      expect(all).toContain(text);
    }
  });
});

const bodyOf = (event: APIGatewayProxyEvent): Buffer => {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  return event.headers["Content-Encoding"] === "gzip" ? gunzipSync(body) : body;
};

describe("the sample requests of API Gateway", () => {
  const names = filesOf("api-gateway", ".json");
  const requests = new Map(
    names.map((name) => [name.slice(0, -5), JSON.parse(textOf("api-gateway", name)) as APIGatewayProxyEvent]),
  );
  const request = (name: string): APIGatewayProxyEvent => requests.get(name) as APIGatewayProxyEvent;

  it.each(names)("%s is what Lambda gets", (name) => {
    const event = request(name.slice(0, -5));

    expect(event).toEqual({
      resource: expect.stringMatching(/^\/v1\//),
      path: expect.stringMatching(/^\/v1\//),
      httpMethod: expect.stringMatching(/^(GET|POST|PUT|DELETE)$/),
      headers: expect.objectContaining({ Host: expect.any(String) }),
      multiValueHeaders: Object.fromEntries(Object.entries(event.headers).map(([header, value]) => [header, [value]])),
      queryStringParameters:
        event.multiValueQueryStringParameters === null
          ? null
          : Object.fromEntries(
              Object.entries(event.multiValueQueryStringParameters).map(([key, values]) => [key, values?.at(-1)]),
            ),
      multiValueQueryStringParameters: event.multiValueQueryStringParameters,
      pathParameters: event.pathParameters,
      stageVariables: null,
      requestContext: expect.objectContaining({
        accountId: "123456789012",
        apiId: "a1b2c3d4e5",
        stage: "prod",
        httpMethod: event.httpMethod,
        resourcePath: event.resource,
        path: `/prod${event.path}`,
        protocol: "HTTP/1.1",
        requestId: expect.any(String),
        requestTimeEpoch: expect.any(Number),
        resourceId: expect.any(String),
        identity: expect.objectContaining({ sourceIp: expect.any(String), userAgent: expect.any(String) }),
      }),
      body: event.body === null ? null : expect.any(String),
      isBase64Encoded: expect.any(Boolean),
    });
    const filled = event.resource.replace(/\{(\w+)\}/g, (_match, key: string) => event.pathParameters?.[key] ?? "?");
    expect(filled).toBe(event.path);
    expect(ROUTES).toContainEqual(expect.objectContaining({ method: event.httpMethod, resource: event.resource }));
  });

  it("carry the authorizer's answer, but for the route that needs none", () => {
    for (const [name, event] of requests) {
      const { authorizer } = event.requestContext;
      if (name === "health-no-authorizer") expect(authorizer).toBeUndefined();
      else expect(authorizer).toMatchObject({ tenant_id: "demo", scopes: "ingest read payload control admin" });
    }
  });

  it.each(["post-events-json", "post-events-gzip", "post-events-plain-body", "post-events-async"])(
    "%s holds good events",
    (name) => {
      const { events } = JSON.parse(bodyOf(request(name)).toString()) as { events: SampleEvent[] };

      expect(events.map((event) => accepted(JSON.stringify(event)).type)).toEqual([
        "run.started",
        "node.started",
        "node.finished",
        "run.finished",
      ]);
    },
  );

  it("post-events-ndjson holds good events", () => {
    expect(linesOf(bodyOf(request("post-events-ndjson")).toString()).map(accepted)).toHaveLength(4);
  });

  it("post-dify-sse holds good frames", () => {
    const frames = readDifyStream(bodyOf(request("post-dify-sse")).toString(), "event-stream");
    const readings = difyEvents(frames, { appId: "recipes", runId: undefined, now: NOW });

    expect(readings.flatMap((reading) => ("event" in reading ? [accepted(reading.event).type] : []))).toEqual([
      "run.started",
      "node.started",
      "node.finished",
      "run.finished",
    ]);
    expect(readings.filter((reading) => "ignored" in reading)).toEqual([
      { ignored: "ping" },
      { ignored: "text_chunk" },
    ]);
  });

  it("have bodies in base64 but where the body is plain or missing", () => {
    const plain = [...requests].filter(([, event]) => event.httpMethod === "POST" && !event.isBase64Encoded);

    expect(plain.map(([name]) => name).toSorted()).toEqual([
      "post-empty-body",
      "post-events-plain-body",
      "redrive-event",
    ]);
    expect(request("post-empty-body").body).toBeNull();
  });
});

describe("the sample requests of the authorizer", () => {
  it.each(["token.json", "without-header.json"])("%s is what Lambda gets", (name) => {
    const event = JSON.parse(textOf("authorizer", name)) as APIGatewayRequestAuthorizerEvent;

    expect(event).toEqual({
      type: "REQUEST",
      methodArn: "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/GET/v1/runs/sample-chat",
      resource: "/v1/runs/{run_id}",
      path: "/v1/runs/sample-chat",
      httpMethod: "GET",
      headers: expect.any(Object),
      multiValueHeaders: expect.any(Object),
      queryStringParameters: {},
      multiValueQueryStringParameters: {},
      pathParameters: { run_id: "sample-chat" },
      stageVariables: {},
      requestContext: expect.not.objectContaining({ authorizer: expect.anything() }),
    });
    expect(event.headers?.["Authorization"] !== undefined).toBe(name === "token.json");
  });
});

describe("the sample messages of the queue", () => {
  const names = filesOf("sqs", ".json");
  const messagesOf = (name: string) => (JSON.parse(textOf("sqs", name)) as SQSEvent).Records;

  it.each(names)("%s is what Lambda gets", (name) => {
    for (const record of messagesOf(name)) {
      expect(record).toEqual({
        messageId: expect.any(String),
        receiptHandle: expect.any(String),
        body: expect.any(String),
        attributes: expect.objectContaining({
          ApproximateReceiveCount: name === "redelivered.json" ? "3" : "1",
          SentTimestamp: expect.any(String),
          SenderId: expect.any(String),
          ApproximateFirstReceiveTimestamp: expect.any(String),
        }),
        messageAttributes: {},
        md5OfBody: createHash("md5").update(record.body).digest("hex"),
        eventSource: "aws:sqs",
        eventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:runstone-events",
        awsRegion: "eu-central-1",
      });
    }
  });

  it("of jobs is what Lambda gets, and names a job of a tenant", () => {
    const { Records } = JSON.parse(textOf("sqs-jobs", "job.json")) as SQSEvent;

    for (const { body, md5OfBody, eventSourceARN } of Records) {
      expect(md5OfBody).toBe(createHash("md5").update(body).digest("hex"));
      expect(eventSourceARN).toBe("arn:aws:sqs:eu-central-1:123456789012:runstone-jobs");
      expect(JSON.parse(body)).toEqual({ tenant_id: "demo", job_id: "01KB3Q4X5E7M8N9P0Q1R2S3T4V" });
    }
  });

  const tenantsOf = (body: string): (string | undefined)[] => {
    const value = JSON.parse(body) as { tenant_id?: string; events?: unknown[] } | unknown[];
    const events = Array.isArray(value) ? value : (value.events ?? [value]);
    return events.map((event) => {
      const reading = readEvent({ text: JSON.stringify(event), value: event }, { now: NOW, isFromQueue: true });
      return reading.ok ? reading.tenantId : undefined;
    });
  };

  it.each([
    ["single-event.json", [["demo"]]],
    ["list-of-events.json", [["demo", "demo", "demo", "demo"]]],
    ["events-object.json", [["demo", "demo", "demo", "demo"]]],
    ["redelivered.json", [["demo", "demo", "demo", "demo"]]],
    ["mixed.json", [["demo", undefined, "demo", undefined, "demo", "demo"], [undefined], ["demo"]]],
    ["no-tenant.json", [[undefined], ["demo", undefined]]],
    [
      "two-tenants.json",
      [
        ["demo", "acme"],
        ["acme", "acme", "acme"],
      ],
    ],
  ])("%s holds events of these tenants, and bad ones where none is named", (name, tenants) => {
    expect(messagesOf(name).map((record) => tenantsOf(record.body))).toEqual(tenants);
  });

  it("not-json.json holds a body that is not JSON beside a good one", () => {
    const [broken, good] = messagesOf("not-json.json");

    expect(() => JSON.parse(broken?.body ?? "{}")).toThrow(SyntaxError);
    expect(tenantsOf(good?.body ?? "")).toEqual(["demo"]);
  });
});
