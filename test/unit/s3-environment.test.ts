import { inspect } from "node:util";
import { s3FromEnvironment } from "../../shared/lambda/s3-environment.ts";

const LAMBDA = {
  BUCKET_NAME: "ledger",
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: "AKID",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
};

describe("S3 as the environment of a Lambda has it", () => {
  it("is the bucket in the function's region, under the function's credentials", async () => {
    const { credentials, ...place } = s3FromEnvironment(LAMBDA);

    expect(place).toEqual({ bucket: "ledger", region: "eu-central-1", endpoint: undefined });
    expect(await credentials()).toEqual({ accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "token" });
  });

  it.each([
    [{ AWS_ENDPOINT_URL: "http://all" }, "http://all"],
    [{ AWS_ENDPOINT_URL: "http://all", AWS_ENDPOINT_URL_S3: "http://s3" }, "http://s3"],
    [{ AWS_ENDPOINT_URL: "http://all", AWS_ENDPOINT_URL_S3: "" }, "http://all"],
    [{ AWS_ENDPOINT_URL: "" }, undefined],
  ])("is the server that %j names", (variables, endpoint) => {
    expect(s3FromEnvironment({ ...LAMBDA, ...variables }).endpoint).toBe(endpoint);
  });

  it.each(["BUCKET_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])("needs %s", (name) => {
    expect(() => s3FromEnvironment({ ...LAMBDA, [name]: undefined })).toThrow(name);
    expect(() => s3FromEnvironment({ ...LAMBDA, [name]: "" })).toThrow(name);
  });

  it("is missed by an error that holds nothing else of the environment", () => {
    let error: unknown;
    try {
      s3FromEnvironment({ ...LAMBDA, AWS_SECRET_ACCESS_KEY: "not to be seen", BUCKET_NAME: undefined });
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toHaveProperty("message", expect.stringContaining("BUCKET_NAME"));
    expect(inspect(error, { depth: 10 })).not.toContain("not to be seen");
  });
});
