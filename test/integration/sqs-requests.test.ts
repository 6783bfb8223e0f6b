import { createHash } from "node:crypto";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { sqsEventQueue } from "../../shared/sqs/sqs-event-queue.ts";
import { readAuthorization, signatureOf } from "../support/aws-signature.ts";
import { type Received, type ScriptedServer, startScriptedServer } from "../support/scripted-server.ts";
import { receipt } from "../support/sqs-answers.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/runstone-events";
const EVENT = '{"a":"é😀\\uffff"}';
const BODY = `{"events":[${EVENT}]}`;
const tenantId = v.parse(TenantId, "acme");

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer(receipt(BODY));
});
afterEach(() => server.stop());

const queueAt = (endpoint: string, sessionToken?: string) =>
  sqsEventQueue({
    queueUrl: QUEUE_URL,
    region: "eu-central-1",
    endpoint,
    credentials: () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: SECRET, sessionToken }),
  });

const last = (): Received => {
  const request = server.received.at(-1);
  if (request === undefined) throw new Error("no request came");
  return request;
};

const expectSigned = (request: Received): void => {
  const { accessKeyId, scope, signedHeaders, signature } = readAuthorization(request.headers["authorization"] ?? "");
  expect(accessKeyId).toBe("AKIDEXAMPLE");
  expect(scope).toBe(`${request.headers["x-amz-date"]?.slice(0, 8)}/eu-central-1/sqs/aws4_request`);
  expect(signedHeaders).toEqual(expect.arrayContaining(["content-type", "host", "x-amz-date", "x-amz-target"]));
  expect(signature).toBe(signatureOf(request, { secretAccessKey: SECRET, scope, signedHeaders }));
};

describe("a request to SQS", () => {
  it("sends a message to the queue by its URL, with its tenant as the group for fair delivery", async () => {
    await queueAt(server.endpoint).send(tenantId, [EVENT]);

    expect([last().method, last().path]).toEqual(["POST", "/"]);
    expect(JSON.parse(last().body.toString())).toEqual({
      QueueUrl: QUEUE_URL,
      MessageBody: BODY,
      MessageGroupId: "acme",
    });
    expectSigned(last());
  });

  it("is the SDK's, byte for byte, but for what the SDK says of itself and what it asks of errors", async () => {
    const client = new SQSClient({
      endpoint: server.endpoint,
      region: "eu-central-1",
      credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: SECRET, sessionToken: "token" },
      useQueueUrlAsEndpoint: false,
    });
    await client.send(new SendMessageCommand({ QueueUrl: QUEUE_URL, MessageBody: BODY, MessageGroupId: "acme" }));
    await queueAt(server.endpoint, "token").send(tenantId, [EVENT]);
    client.destroy();

    const [theirs, ours] = server.received as [Received, Received];
    expectSigned(theirs);
    expectSigned(ours);
    expect([ours.method, ours.path, ours.body]).toEqual([theirs.method, theirs.path, theirs.body]);
    const { authorization: _ours, "x-amz-date": _now, ...headers } = ours.headers;
    expect(theirs.headers).toMatchObject(headers);
    const more = Object.keys(theirs.headers).filter((name) => !(name in ours.headers));
    expect(more.sort()).toEqual([
      "amz-sdk-invocation-id",
      "amz-sdk-request",
      "user-agent",
      "x-amz-user-agent",
      "x-amzn-query-mode",
    ]);
  });

  it("carries the hash of its body and the token of temporary credentials, signed", async () => {
    await queueAt(server.endpoint, "token/of+a=session").send(tenantId, [EVENT]);

    const { headers, body } = last();
    expect(headers["x-amz-content-sha256"]).toBe(createHash("sha256").update(body).digest("hex"));
    expect(headers["x-amz-security-token"]).toBe("token/of+a=session");
    const { signedHeaders } = readAuthorization(headers["authorization"] ?? "");
    expect(signedHeaders).toEqual(expect.arrayContaining(["x-amz-content-sha256", "x-amz-security-token"]));
    expectSigned(last());
  });

  it.each([
    ["/", "/"],
    ["/base", "/base/"],
    ["/of%20a%3Aproxy/", "/of%20a%3Aproxy/"],
  ])("goes to an endpoint with the path %s", async (path, sent) => {
    await queueAt(`${server.endpoint}${path}`).send(tenantId, [EVENT]);

    expect(last().path).toBe(sent);
    expectSigned(last());
  });
});
