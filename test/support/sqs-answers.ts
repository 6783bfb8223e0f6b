import { createHash } from "node:crypto";
import type { Reaction } from "./scripted-server.ts";

/** Answers in the form of SQS, which names the request by another header than S3. */
export const sqsAnswer =
  (status: number, body: string): Reaction =>
  (response) => {
    const headers = { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "0f8b4e7c-1d2a" };
    response.writeHead(status, headers).end(body);
  };

/** Answers as SQS does once it has taken a message with this body. */
export const receipt = (messageBody: string): Reaction => {
  const MD5OfMessageBody = createHash("md5").update(messageBody).digest("hex");
  return sqsAnswer(200, JSON.stringify({ MD5OfMessageBody, MessageId: "5fea7756-0ea4-451a-a703-a558b933e274" }));
};

/** Answers as SQS does where it refuses: an error's code stands in JSON, behind a name space. */
export const refusal = (status: number, code: string): Reaction =>
  sqsAnswer(status, JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: "no" }));
