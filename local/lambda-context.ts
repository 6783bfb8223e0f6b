/** Lambda's second argument, as far as one process can give it. */
import type { Context } from "aws-lambda";

/** As long as API Gateway waits. */
const TIMEOUT_MS = 29_000;

/** The context that Lambda would give. */
export function lambdaContext(functionName: string, requestId: string): Context {
  const startedAt = Date.now();
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: "1024",
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    getRemainingTimeInMillis: () => Math.max(0, startedAt + TIMEOUT_MS - Date.now()),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
