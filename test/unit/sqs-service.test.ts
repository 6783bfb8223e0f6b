import { sqsUrl } from "../../shared/sqs/sqs-service.ts";

describe("where SQS answers", () => {
  it.each([
    ["eu-central-1", "https://sqs.eu-central-1.amazonaws.com/"],
    ["us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com/"],
    ["cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn/"],
  ])("is the region's own host: %s", (region, url) => {
    expect(sqsUrl({ region })).toBe(url);
  });

  it.each(["http://127.0.0.1:4566", "http://127.0.0.1:4566/"])("is the server that is named: %s", (endpoint) => {
    expect(sqsUrl({ region: "eu-central-1", endpoint })).toBe("http://127.0.0.1:4566/");
  });
});
