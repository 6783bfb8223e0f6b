import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { jsonLog } from "../../shared/lambda/log.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { ServiceError } from "../../shared/signed-http/service-error.ts";
import { sqsEventQueue } from "../../shared/sqs/sqs-event-queue.ts";
import {
  answer,
  partOfBody,
  type Reaction,
  reset,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { receipt, refusal, sqsAnswer } from "../support/sqs-answers.ts";

const SECRET = "a-secret-nobody-may-see";
const EVENT = '{"inputs":"a-payload-nobody-may-see"}';
const tenantId = v.parse(TenantId, "demo");
const taken = receipt(`{"events":[${EVENT}]}`);

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const scripted = async (...script: readonly Reaction[]) => {
  server = await startScriptedServer(...script);
  return queueAt(server.endpoint);
};

const queueAt = (endpoint: string, credentials = async () => ({ accessKeyId: "AKID", secretAccessKey: SECRET })) =>
  sqsEventQueue({
    queueUrl: "http://sqs.us-east-1.localhost/000000000000/events",
    region: "us-east-1",
    endpoint,
    credentials,
    patience: { answerMs: 250, backoffMs: 1 },
  });

const faultOf = async (queue: ReturnType<typeof queueAt>): Promise<StoreFault> => {
  const [outcome] = await queue.send(tenantId, [EVENT]);
  if (outcome?.status !== "unavailable") throw new Error(`expected a fault, came ${JSON.stringify(outcome)}`);
  expect(outcome.fault).toBeInstanceOf(StoreFault);
  return outcome.fault;
};

const tries = (): number => server?.received.length ?? 0;

describe("SQS in trouble", () => {
  it.each([
    ["503", answer(503)],
    ["500 InternalFailure", refusal(500, "InternalFailure")],
    ["502 of something in between", answer(502, { body: "<html>Bad gateway</html>" })],
    ["429", answer(429)],
    ["403 RequestThrottled", refusal(403, "RequestThrottled")],
    ["400 ThrottlingException", refusal(400, "ThrottlingException")],
    ["400 ThrottlingException without a name space", answer(400, { body: '{"__type": "ThrottlingException"}' })],
    ["400 KmsThrottled", refusal(400, "KmsThrottled")],
    ["a connection that breaks", reset],
    ["an answer that does not come", silence],
    ["a body that is cut short", partOfBody(true)],
    ["a body that stops coming", partOfBody(false)],
  ])("is sent the same message again after %s", async (_, trouble) => {
    const queue = await scripted(trouble, trouble, taken);

    expect(await queue.send(tenantId, [EVENT])).toEqual([{ status: "queued" }]);
    expect(tries()).toBe(3);
    expect(new Set(server?.received.map(({ body }) => body.toString())).size).toBe(1);
  });

  it.each([
    ["503", answer(503), "503 without a code"],
    ["RequestThrottled", refusal(403, "RequestThrottled"), "403 RequestThrottled"],
    ["connections that break", reset, "(UND_ERR_SOCKET|ECONNRESET)"],
    ["answers that do not come", silence, "(TimeoutError|ETIMEDOUT)"],
    ["bodies that stop coming", partOfBody(false), "(TimeoutError|ETIMEDOUT)"],
  ])("is given up after three tries that end in %s", async (_, trouble, reason) => {
    const fault = await faultOf(await scripted(trouble));

    expect(fault.message).toMatch(new RegExp(`^SQS SendMessage failed: ${reason}$`));
    expect(fault.isRetryable).toBe(true);
    expect(fault.cause).toHaveProperty("message");
    expect(tries()).toBe(3);
  });

  it("is out of reach where nothing listens", async () => {
    const queue = await scripted();
    await server?.stop();
    server = undefined;

    expect(await faultOf(queue)).toMatchObject({ message: "SQS SendMessage failed: ECONNREFUSED", isRetryable: true });
  });

  it("is not asked where there are no credentials", async () => {
    await scripted(taken);
    const expired = new Error("the session has expired");

    const fault = await faultOf(queueAt(server?.endpoint ?? "", () => Promise.reject(expired)));

    expect(fault).toMatchObject({ cause: expired, isRetryable: true });
    expect(tries()).toBe(0);
  });

  it("with one message leaves the others alone", async () => {
    const events = ["x", "y"].map((letter) => `"${letter.repeat(700_000)}"`);
    const queue = await scripted((response) => {
      const isFirst = server?.received.at(-1)?.body.includes("xxx");
      return isFirst ? answer(400)(response) : receipt(`{"events":[${events[1]}]}`)(response);
    });

    const outcomes = await queue.send(tenantId, events);

    expect(outcomes.map(({ status }) => status)).toEqual(["unavailable", "queued"]);
  });

  it("is called over one connection, whatever it answers", async () => {
    const queue = await scripted(taken, refusal(400, "QueueDoesNotExist"), answer(500), taken);
    await queue.send(tenantId, [EVENT]);
    await faultOf(queue);
    await queue.send(tenantId, [EVENT]);

    expect([tries(), server?.connections()]).toEqual([4, 1]);
  });
});

describe("SQS that says no", () => {
  it.each([
    [400, "QueueDoesNotExist"],
    [400, "InvalidMessageContents"],
    [403, "AccessDeniedException"],
    [301, "Moved"],
  ])("%d %s is asked once; the same call may succeed when that is put right", async (status, code) => {
    const fault = await faultOf(await scripted(refusal(status, code)));

    expect(fault).toMatchObject({ message: `SQS SendMessage failed: ${status} ${code}`, isRetryable: true });
    expect(fault.cause).toBeInstanceOf(ServiceError);
    expect(tries()).toBe(1);
  });

  it.each(["", "no JSON", "[]", '{"__type":7}', '{"__type":"a code of words"}', `{"__type":"${"x".repeat(65)}"}`])(
    "need not have a code: %j",
    async (body) => {
      const fault = await faultOf(await scripted(answer(400, { body })));

      expect(fault.message).toBe("SQS SendMessage failed: 400 without a code");
    },
  );

  it("is quoted by its code and request id, never by its body, with a message, a key or a signature", async () => {
    const body = JSON.stringify({
      __type: "com.amazon.coral.service#InvalidSignatureException",
      message: `The Canonical String should have been AWS4-HMAC-SHA256 AKID ${EVENT}`,
    });
    const fault = await faultOf(await scripted(sqsAnswer(403, body)));

    const lines: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = (line) => lines.push(String(line)) > 0;
    jsonLog({ level: "error", message: "request failed", error: fault });
    process.stdout.write = write;
    expect(lines.join()).toContain("403 InvalidSignatureException, request id 0f8b4e7c-1d2a");
    for (const secret of ["AWS4", "AKID", SECRET, "Canonical", "nobody-may-see", "Signature="]) {
      expect(lines.join()).not.toContain(secret);
    }
  });
});

describe("SQS that stored something else", () => {
  it.each([
    ["another message", receipt('{"events":[]}')],
    ["a message without its MD5", answer(200, { body: '{"MessageId":"1"}' })],
    ["nobody knows what", answer(200, { body: "<html>Welcome</html>" })],
    ["nothing", answer(200)],
  ])("%s does not count as queued: the producer may send it again", async (_, stored) => {
    const fault = await faultOf(await scripted(stored));

    expect(fault).toMatchObject({ message: "SQS SendMessage failed: MessageMismatch", isRetryable: true });
    expect(String(fault.cause)).not.toContain("nobody-may-see");
    expect(tries()).toBe(1);
  });
});
