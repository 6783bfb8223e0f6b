import { queueFromEnvironment } from "../../shared/lambda/queue-environment.ts";

const LAMBDA = {
  QUEUE_URL: "https://sqs.eu-central-1.amazonaws.com/123456789012/events",
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: "AKID",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
};

describe("the queue as the environment of a Lambda has it", () => {
  it("is known by its URL in the function's region, under the function's credentials", async () => {
    const { credentials, ...queue } = queueFromEnvironment(LAMBDA);

    expect(queue).toEqual({ queueUrl: LAMBDA.QUEUE_URL, region: "eu-central-1", endpoint: undefined });
    expect(await credentials()).toEqual({ accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "token" });
  });

  it.each([
    [{ AWS_ENDPOINT_URL: "http://all" }, "http://all"],
    [{ AWS_ENDPOINT_URL: "http://all", AWS_ENDPOINT_URL_S3: "http://s3" }, "http://all"],
    [{ AWS_ENDPOINT_URL: "http://all", AWS_ENDPOINT_URL_SQS: "http://sqs" }, "http://sqs"],
    [{ AWS_ENDPOINT_URL: "http://all", AWS_ENDPOINT_URL_SQS: "" }, "http://all"],
  ])("is asked at the server that %j names", (variables, endpoint) => {
    expect(queueFromEnvironment({ ...LAMBDA, ...variables }).endpoint).toBe(endpoint);
  });

  it.each(["QUEUE_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])("needs %s", (name) => {
    expect(() => queueFromEnvironment({ ...LAMBDA, [name]: undefined })).toThrow(name);
    expect(() => queueFromEnvironment({ ...LAMBDA, [name]: "" })).toThrow(name);
  });
});
