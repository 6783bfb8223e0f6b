import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import * as v from "valibot";
import { type AuthorizeSettings, authorizeFunction } from "../../functions/authorize/authorize.ts";
import { authorizeSettings } from "../../functions/authorize/authorize-settings.ts";
import { admitApiKey, newApiKey, sha256Of } from "../../shared/app/keys/api-keys.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { dynamoCredentialStore } from "../../shared/dynamodb/dynamo-credential-store.ts";
import { dynamoTenantStore } from "../../shared/dynamodb/dynamo-tenant-store.ts";
import type { LogLine } from "../../shared/lambda/log.ts";
import type { CredentialStore } from "../../shared/ports/credential-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { startTables, type Tables } from "../contract/dynamo-tables.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";

const EVENT = JSON.parse(
  readFileSync(join(__dirname, "../../events/authorizer/token.json"), "utf8"),
) as APIGatewayRequestAuthorizerEvent;
const DAY_MS = 86_400_000;
const ACME = v.parse(TenantId, "acme");

let tables: Tables;
let issuer: Issuer;
let clock: ManualClock;
let credentials: CredentialStore;
let logs: LogLine[];

beforeAll(async () => {
  tables = await startTables();
  issuer = await startIssuer();
});
afterAll(async () => {
  tables.stop();
  await issuer.stop();
});
beforeEach(() => {
  clock = manualClock("2026-11-22T12:00:00.000Z");
  credentials = dynamoCredentialStore(tables.table);
  logs = [];
});

const eventOf = (headers: Record<string, string>, multi?: Record<string, string[]>) => ({
  ...EVENT,
  headers,
  multiValueHeaders: multi ?? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
});

const ask = (
  of: string | APIGatewayRequestAuthorizerEvent,
  settings: AuthorizeSettings = {},
  store: CredentialStore = credentials,
) => {
  const log = (line: LogLine) => void logs.push(line);
  const event = typeof of === "string" ? eventOf({ Authorization: `Bearer ${of}` }) : of;
  return authorizeFunction({ credentials: store, clock, log }, settings)(event);
};

const refusalOf = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => "allowed",
    (error: unknown) => (error instanceof Error ? error.message : error),
  );

const admit = async (of: { expiresAt?: number } = {}): Promise<string> => {
  const key = newApiKey();
  const grant = { tenantId: ACME, scopes: ["read"] as const, name: "engine", expiresAt: of.expiresAt };
  await admitApiKey(credentials, key, { ...grant, createdAt: clock.now() });
  return key;
};

const settingsOf = (variables: Record<string, string>) => authorizeSettings(variables, tables.table);
const oidc = (of: object = {}) =>
  JSON.stringify({ issuer: issuer.url, audience: "runstone", jwksUrl: issuer.jwksUrl, ...of });
const tokenOf = (of: Record<string, unknown> = {}) => {
  const exp = clock.now() / 1000 + 300;
  return issuer.sign({ iss: issuer.url, aud: "runstone", sub: "worker", tenant: "acme", scope: "read", exp, ...of });
};

describe("a key", () => {
  test("tells the functions whose it is, what it allows and until when, as text", async () => {
    const unending = await ask(await admit());
    const ending = await ask(await admit({ expiresAt: clock.now() + 5000 }));

    const context = { tenant_id: "acme", scopes: "read", speaker: expect.stringMatching(/^key [0-9a-f]{16}$/) };
    expect(unending).toMatchObject({ principalId: "acme", context });
    expect(unending.context).toEqual(context);
    expect(ending.context).toEqual({ ...context, expires_at: String(clock.now() + 5000) });
  });

  test("is refused where its digest is not the one that was found", async () => {
    const key = await admit();
    const other = await admit();
    const mixed: CredentialStore = { ...credentials, find: () => credentials.find(sha256Of(other)) };

    expect(await refusalOf(ask(key, {}, mixed))).toBe("Unauthorized");
  });

  test("older than keys may be is refused, and no sooner, whatever its own expiry", async () => {
    const settings = settingsOf({ LONGEST_KEY_DAYS: "90" });
    const key = await admit({ expiresAt: clock.now() + 365 * DAY_MS });
    const ends = clock.now() + 90 * DAY_MS;
    expect((await ask(key, settings)).context?.["expires_at"]).toBe(String(ends));

    clock.advance(90 * DAY_MS - 1);
    expect(await refusalOf(ask(key, settings))).toBe("allowed");
    clock.advance(1);
    expect(await refusalOf(ask(key, settings))).toBe("Unauthorized");
    expect(await refusalOf(ask(key))).toBe("allowed");
  });

  test("that ends before the longest age ends by its own expiry", async () => {
    const expiresAt = clock.now() + DAY_MS;

    const { context } = await ask(await admit({ expiresAt }), settingsOf({ LONGEST_KEY_DAYS: "90" }));

    expect(context?.["expires_at"]).toBe(String(expiresAt));
  });
});

describe("the last use of a key", () => {
  const lastUse = async (key: string) => (await credentials.find(sha256Of(key)))?.lastUsedOn;
  const counted = () => {
    const writes: string[] = [];
    const store: CredentialStore = {
      ...credentials,
      recordUse: (sha256, day) => {
        writes.push(day);
        return credentials.recordUse(sha256, day);
      },
    };
    return { store, writes };
  };

  test("is noted with one write a day, however many requests come", async () => {
    const { store, writes } = counted();
    const key = await admit();

    for (let times = 0; times < 3; times++) await ask(key, {}, store);
    expect(await lastUse(key)).toBe("2026-11-22");
    clock.advance(12 * 3_600_000);
    for (let times = 0; times < 3; times++) await ask(key, {}, store);

    expect(writes).toEqual(["2026-11-22", "2026-11-23"]);
    expect(await lastUse(key)).toBe("2026-11-23");
  });

  test("is not noted for a key that is refused", async () => {
    const { store, writes } = counted();
    const revoked = await admit();
    await credentials.revoke(sha256Of(revoked), clock.now());

    for (const key of [revoked, newApiKey(), await admit({ expiresAt: clock.now() })]) {
      expect(await refusalOf(ask(key, {}, store))).toBe("Unauthorized");
    }
    expect(writes).toEqual([]);
  });

  test("refuses nobody where it cannot be noted, or where somebody else was first", async () => {
    const key = await admit();
    const fault = new StoreFault("DynamoDB UpdateItem failed: TimeoutError", { cause: undefined, isRetryable: true });
    const failing: CredentialStore = { ...credentials, recordUse: () => Promise.reject(fault) };
    const slower: CredentialStore = { ...credentials, recordUse: async () => false };

    expect(await refusalOf(ask(key, {}, slower))).toBe("allowed");
    expect(logs).toEqual([]);
    expect(await refusalOf(ask(key, {}, failing))).toBe("allowed");

    const requestId = EVENT.requestContext.requestId;
    expect(logs).toEqual([
      { level: "warn", message: "last use of a key was not noted", request_id: requestId, error: fault },
    ]);
    expect(JSON.stringify(logs)).not.toContain(key.slice(3));
  });
});

describe("a token", () => {
  test("of the issuer lets its tenant in, until it ends, and hands on nothing else that it says", async () => {
    const settings = settingsOf({ OIDC: oidc() });

    const result = await ask(await tokenOf(), settings);

    const expires_at = String(clock.now() + 300_000);
    expect(result.principalId).toBe("acme");
    expect(result.context).toEqual({ tenant_id: "acme", scopes: "read", speaker: "token worker", expires_at });
  });

  test("without a scope that is known is let in, to be refused by every route", async () => {
    const result = await ask(await tokenOf({ scope: "openid" }), settingsOf({ OIDC: oidc() }));

    expect(result.context).toMatchObject({ tenant_id: "acme", scopes: "" });
  });

  test("that is wrong is refused, and its reason is logged without it", async () => {
    const token = await tokenOf({ aud: "other" });

    expect(await refusalOf(ask(token, settingsOf({ OIDC: oidc() })))).toBe("Unauthorized");

    const reason = "ERR_JWT_CLAIM_VALIDATION_FAILED (aud)";
    expect(logs).toEqual([{ level: "info", message: "token refused", request_id: expect.any(String), reason }]);
    expect(JSON.stringify(logs)).not.toContain(token.split(".")[1]);
  });

  test("is nothing where no issuer is set", async () => {
    expect(await refusalOf(ask(await tokenOf()))).toBe("Unauthorized");
    expect(await refusalOf(ask(await tokenOf(), settingsOf({})))).toBe("Unauthorized");
  });

  test("that cannot be checked is a fault, logged, and lets nobody in", async () => {
    issuer.answerWith("error");
    try {
      const asked = ask(await tokenOf(), settingsOf({ OIDC: oidc() }));

      expect(await refusalOf(asked)).toBe("the issuer's keys could not be had");
      expect(logs).toMatchObject([{ level: "error", message: "a credential could not be checked" }]);
    } finally {
      issuer.answerWith("keys");
    }
  });

  test("is told from a key by how it begins, and from anything else by its parts", async () => {
    const asked: string[] = [];
    const tokens = {
      verify: async (token: string) => {
        asked.push(token);
        return { kind: "refused" as const, reason: "test" };
      },
    };

    for (const credential of ["rk_a.b.c", "a.b", "a.b.c.d", "..", "a..c", "a.b.", "abc", "a.b.c"]) {
      expect(await refusalOf(ask(credential, { tokens }))).toBe("Unauthorized");
    }
    expect(asked).toEqual(["a.b.c"]);
  });
});

describe("a store that does not answer", () => {
  test("is a fault, logged, and lets nobody in", async () => {
    const dead = dynamoCredentialStore(tables.dead);
    const key = await admit();

    expect(await refusalOf(ask(key, {}, dead))).toMatch(/^DynamoDB GetItem failed/);

    expect(logs).toMatchObject([{ level: "error", error: expect.any(StoreFault) }]);
    expect(JSON.stringify(logs)).not.toContain(key.slice(3));
  });
});

describe("several credentials in one request", () => {
  test("are refused, however they are written, even where all are good", async () => {
    const [one, other] = [await admit(), await admit()];
    const bearer = `Bearer ${one}`;
    const events = [
      eventOf({ Authorization: bearer }, { Authorization: [bearer, bearer] }),
      eventOf({ Authorization: bearer }, { Authorization: [`Bearer ${other}`, bearer] }),
      eventOf({ Authorization: bearer }, { Authorization: [bearer], authorization: [bearer] }),
      eventOf({ Authorization: bearer, authorization: bearer }, {}),
      eventOf({ Authorization: bearer }, { Authorization: [`Bearer ${other}`] }),
      eventOf({ Authorization: `${bearer}, Bearer ${other}` }),
      eventOf({ Authorization: `${bearer},${other}` }),
      eventOf({ Authorization: `${bearer} ${other}` }),
      eventOf({ Authorization: `${bearer}\t${other}` }),
      eventOf({}, { Authorization: [bearer] }),
    ];

    for (const event of events) expect(await refusalOf(ask(event))).toBe("Unauthorized");
  });

  test("are not found where there is one, under one name", async () => {
    const bearer = `Bearer ${await admit()}`;

    for (const multi of [{ Authorization: [bearer] }, {}, null as never]) {
      expect(await refusalOf(ask({ ...EVENT, headers: { Authorization: bearer }, multiValueHeaders: multi }))).toBe(
        "allowed",
      );
    }
  });
});

describe("the usage key of a request", () => {
  const USAGE_KEYS = "shared-usage-key-0123456789";
  const usageKey = "own-usage-key-0123456789";
  const usageKeyOf = async (tenant: string, USAGE_PLANS: string) => {
    const settings = settingsOf({ USAGE_KEYS, USAGE_PLANS, OIDC: oidc() });
    return (await ask(await tokenOf({ tenant }), settings)).usageIdentifierKey;
  };

  beforeEach(async () => {
    const globex = v.parse(TenantId, "globex");
    await dynamoTenantStore(tables.table).put({ tenantId: globex, plan: "large", usageKey, admittedAt: 1 });
  });

  test("is the tenant's own where it was admitted, else the one that others share", async () => {
    expect(await usageKeyOf("globex", "standard,large")).toBe(usageKey);
    expect(await usageKeyOf("globex", "large")).toBe(usageKey);
    expect(await usageKeyOf("acme", "standard,large")).toBe(USAGE_KEYS);
  });

  test.each(["standard", "standard,larger", "standard,Large"])(
    "is the shared one where the stage no longer has the tenant's plan: it has %s",
    async (plans) => {
      expect(await usageKeyOf("globex", plans)).toBe(USAGE_KEYS);
    },
  );

  test("is left out where nothing is counted", async () => {
    expect(await ask(await admit(), settingsOf({}))).not.toHaveProperty("usageIdentifierKey");
  });

  test("that cannot be read is a fault", async () => {
    const limits = { tenants: dynamoTenantStore(tables.dead), plans: ["standard"], sharedUsageKey: USAGE_KEYS };

    expect(await refusalOf(ask(await admit(), { limits }))).toMatch(/^DynamoDB GetItem failed/);
  });
});

describe("what the environment says", () => {
  test.each<[string, Record<string, string>, string]>([
    ["an issuer that is no JSON", { OIDC: "{" }, "OIDC: expected JSON"],
    ["an issuer that is empty", { OIDC: "" }, "OIDC: expected JSON"],
    ["an issuer without an audience", { OIDC: '{"issuer":"a","jwksUrl":"https://a"}' }, "OIDC.audience: must be set"],
    [
      "keys over plain http",
      { OIDC: '{"issuer":"a","audience":"b","jwksUrl":"http://example.com/keys"}' },
      "OIDC.jwksUrl",
    ],
    [
      "keys on a host that looks like loopback",
      { OIDC: '{"issuer":"a","audience":"b","jwksUrl":"http://localhost.example.com"}' },
      "OIDC.jwksUrl",
    ],
    ["keys in a file", { OIDC: '{"issuer":"a","audience":"b","jwksUrl":"file:///keys"}' }, "OIDC.jwksUrl"],
    ["no audience at all", { OIDC: '{"issuer":"a","audience":[],"jwksUrl":"https://a"}' }, "OIDC.audience"],
    [
      "a misspelt setting",
      { OIDC: '{"issuer":"a","audience":"b","jwksUrl":"https://a","prefix":"x"}' },
      "OIDC.prefix: there is no such setting",
    ],
    ["an age of nothing", { LONGEST_KEY_DAYS: "0" }, "LONGEST_KEY_DAYS: expected a whole number"],
    ["an age that is no number", { LONGEST_KEY_DAYS: "90 days" }, "LONGEST_KEY_DAYS: expected a whole number"],
    ["a usage key that is too short", { USAGE_KEYS: "short" }, "USAGE_KEYS: expected the value"],
    ["a usage key without plans", { USAGE_KEYS: "x".repeat(20) }, "USAGE_PLANS: must be set where USAGE_KEYS is"],
    ["plans without a usage key", { USAGE_PLANS: "standard" }, "USAGE_KEYS: must be set where USAGE_PLANS is"],
    ["plans that are none", { USAGE_PLANS: "" }, "USAGE_PLANS: expected names of usage plans"],
    ["a plan without a name", { USAGE_PLANS: "standard,,large" }, "USAGE_PLANS: expected names of usage plans"],
  ])("stops the function at its start, and says why: %s", (_, variables, message) => {
    expect(() => settingsOf(variables)).toThrow(message);
  });

  test("may be nothing, or everything", () => {
    expect(settingsOf({})).toEqual({ keyPolicy: { longestKeyDays: undefined }, tokens: undefined, limits: undefined });
    for (const host of ["https://example.com", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"]) {
      expect(settingsOf({ OIDC: oidc({ jwksUrl: `${host}/keys` }) }).tokens).toBeDefined();
    }
  });
});
