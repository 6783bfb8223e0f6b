import { readFileSync } from "node:fs";
import * as standIn from "../../shared/lambda/lambda-credentials.ts";

const { credentialsTreatedAsExpired, credentialsWillNeedRefresh, defaultProvider } = standIn;

const NAMES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"] as const;
const before = NAMES.map((name) => [name, process.env[name]] as const);

const setEnvironment = (values: readonly (readonly [string, string | undefined])[]): void => {
  for (const [name, value] of values) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
};
beforeEach(() => setEnvironment(NAMES.map((name) => [name, undefined])));
afterAll(() => setEnvironment(before));

describe("the credentials of a Lambda", () => {
  it("come from its environment", async () => {
    setEnvironment([
      ["AWS_ACCESS_KEY_ID", "AKID"],
      ["AWS_SECRET_ACCESS_KEY", "secret"],
      ["AWS_SESSION_TOKEN", "token"],
    ]);

    expect(await defaultProvider()()).toMatchObject({
      accessKeyId: "AKID",
      secretAccessKey: "secret",
      sessionToken: "token",
    });
  });

  it("are an error where it has none", async () => {
    await expect(defaultProvider({})()).rejects.toThrow("environment variable credentials");
  });

  it("end when they say so", () => {
    const keys = { accessKeyId: "AKID", secretAccessKey: "secret" };
    const lasting = (minutes: number) => ({ ...keys, expiration: new Date(Date.now() + minutes * 60_000) });

    expect([credentialsWillNeedRefresh(keys), credentialsWillNeedRefresh(lasting(60))]).toEqual([false, true]);
    expect([keys, lasting(60), lasting(4), lasting(-1)].map(credentialsTreatedAsExpired)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it("are found under every name that the SDK's package has", () => {
    const entry = readFileSync("node_modules/@aws-sdk/credential-provider-node/dist-es/index.js", "utf8");
    const names = [...entry.matchAll(/export \{([^}]*)\}/g)].flatMap(([, list = ""]) => list.split(","));

    expect(Object.keys(standIn).sort()).toEqual(names.map((name) => name.trim()).sort());
  });
});
