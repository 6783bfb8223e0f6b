import { createHmac } from "node:crypto";
import * as v from "valibot";
import type { ReceivedEvent } from "../../shared/app/record/received-event.ts";
import type { RedactedEvent } from "../../shared/app/redaction/redact-event.ts";
import { redactEvents } from "../../shared/app/redaction/redact-events.ts";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { readEvent } from "../../shared/contract/event.ts";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { redactedAmong } from "../../shared/contract/redaction.ts";
import type { AppSettings, TenantSettings } from "../../shared/domain/app-settings.ts";
import { identify } from "../../shared/domain/fold/identity.ts";
import type { RunStore } from "../../shared/ports/run-store.ts";
import type { SettingsStore } from "../../shared/ports/settings-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { AT, eventText, ofTenant } from "../support/event-text.ts";

const tenantId = v.parse(TenantId, "demo");
const SECRET = "secret of demo";
const NOW = Date.parse(AT);
const LATER = "2026-11-25T00:00:00Z";

type Rules = v.InferInput<typeof AppSettingsBody>;
const PASSWORDS: Rules = { redact: { paths: ["inputs.password"] } };
const USERS: Rules = { redact: { paths: ["inputs.user"] } };

const settingsOf = (rules: Rules): AppSettings => ({
  ...v.parse(AppSettingsBody, rules),
  version: 1,
  updatedAt: 0,
  readShards: 1,
  past: [],
});

/** Stores of a tenant whose apps have these rules, and a run of which only the header tells the app. */
const storesOf = (
  apps: Record<string, Rules>,
  headers: Record<string, string> = {},
  secret: string | undefined = SECRET,
) => {
  const asked: string[] = [];
  const tenant: TenantSettings = {
    apps: new Map(Object.entries(apps).map(([app, rules]) => [v.parse(AppId, app), settingsOf(rules)])),
  };
  const settings = { ofTenant: async () => tenant, secretOf: async () => secret } as unknown as SettingsStore;
  const runs = {
    find: async (run: { runId: string }) => {
      asked.push(run.runId);
      const appId = headers[run.runId];
      return appId === undefined ? undefined : { row: { appId } };
    },
  } as unknown as RunStore;
  return { settings, runs, asked };
};

const received = (text: string, more: Partial<ReceivedEvent> = {}): ReceivedEvent => {
  const isFromQueue = text.includes('"tenant_id"');
  return { tenantId, text, reading: readEvent({ text, value: JSON.parse(text) }, { now: NOW, isFromQueue }), ...more };
};

const node = (members: Record<string, string>, runId = "run-1"): string =>
  eventText("node.started", { run_id: runId, inputs: { password: "p", user: "u", n: 1 }, ...members });
const start = (app: string): string => eventText("run.started", { app_id: app });

const inputsOf = ({ text }: RedactedEvent): unknown => (JSON.parse(text) as { inputs?: unknown }).inputs;
const redactOne = async (stores: ReturnType<typeof storesOf>, event: ReceivedEvent): Promise<RedactedEvent> =>
  (await redactEvents(stores, [event]))[0] as RedactedEvent;

const APPS = { shop: PASSWORDS, bank: USERS, open: {} };
const [BY_SHOP, BY_BANK] = [
  { password: "***", user: "u", n: 1 },
  { password: "p", user: "***", n: 1 },
];
const BY_ALL = { password: "***", user: "***", n: 1 };
const AS_IT_CAME = { password: "p", user: "u", n: 1 };

describe("the rules are", () => {
  it("of the app that the event names", async () => {
    const stores = storesOf(APPS, { "run-1": "bank" });
    const redacted = await redactEvents(
      stores,
      ["shop", "bank", "open", "other"].map((app_id) => received(node({ app_id }))),
    );

    expect(redacted.map(inputsOf)).toEqual([BY_SHOP, BY_BANK, AS_IT_CAME, AS_IT_CAME]);
    expect(stores.asked).toEqual([]);
  });

  it("else of the app that the run's own event beside it names, else of any other beside it", async () => {
    const stores = storesOf(APPS);
    const redacted = await redactEvents(stores, [
      received(node({})),
      received(node({ app_id: "bank" })),
      received(start("shop")),
      received(node({}, "run-2")),
      received(node({ app_id: "bank" }, "run-2")),
    ]);

    expect(redacted.map(inputsOf)).toEqual([BY_SHOP, BY_BANK, undefined, BY_BANK, BY_BANK]);
    expect(stores.asked).toEqual([]);
  });

  it("else of the app that the run's header names", async () => {
    const stores = storesOf(APPS, { "run-1": "shop", "run-2": "open" });
    const redacted = await redactEvents(stores, [received(node({})), received(node({}, "run-2")), received(node({}))]);

    expect(redacted.map(inputsOf)).toEqual([BY_SHOP, AS_IT_CAME, BY_SHOP]);
    expect(stores.asked.sort()).toEqual(["run-1", "run-2"]);
  });

  it("else of all the tenant's apps together", async () => {
    expect(inputsOf(await redactOne(storesOf(APPS), received(node({}))))).toEqual(BY_ALL);
    const metadataOnly = storesOf({ ...APPS, closed: { payload_mode: "metadata_only" } });
    expect(inputsOf(await redactOne(metadataOnly, received(node({}))))).toMatchObject({ $redacted: "metadata_only" });
  });

  it("none where no app of the tenant has any, and then nothing is read", async () => {
    const stores = storesOf({ open: {}, other: { keep_last: 5 } });
    const event = received(node({}));

    const redacted = await redactOne(stores, event);

    const identified = event.reading.ok && identify(event.reading.event, event.text);
    expect(redacted).toEqual({
      tenantId,
      text: event.text,
      redaction: undefined,
      reading: { status: "read", event: identified },
    });
    expect(stores.asked).toEqual([]);
  });
});

describe("identity", () => {
  const digestOf = async (stores: ReturnType<typeof storesOf>, text: string): Promise<string | undefined> => {
    const { reading } = await redactOne(stores, received(text));
    return reading.status === "read" ? reading.event.digest : undefined;
  };
  const plainDigest = (text: string): string => {
    const { reading } = received(text);
    return reading.ok ? identify(reading.event, text).digest : "";
  };
  const keyedDigest = (text: string): string =>
    createHmac("sha256", SECRET).update(plainDigest(text)).digest("hex").slice(0, 32);

  it("of an event that was touched is keyed with the tenant's secret", async () => {
    expect(await digestOf(storesOf(APPS), node({ app_id: "shop" }))).toBe(keyedDigest(node({ app_id: "shop" })));
  });

  it("of an event that no rules of the tenant touch is as ever", async () => {
    const text = eventText("node.started", { app_id: "shop", inputs: { n: 1 } });
    expect(await digestOf(storesOf(APPS), text)).toBe(plainDigest(text));
  });

  it("is the same before and after the run's app is known", async () => {
    const text = node({});
    const before = await digestOf(storesOf(APPS), text);
    for (const app of ["shop", "bank", "open"]) {
      expect(await digestOf(storesOf(APPS, { "run-1": app }), text)).toBe(before);
    }
  });

  it("is that of what came, not of what was left", async () => {
    const stores = storesOf(APPS);
    const other = node({ app_id: "shop" }).replace('"p"', '"q"');
    const [one, two] = await redactEvents(stores, [received(node({ app_id: "shop" })), received(other)]);
    expect(one?.text).toBe(two?.text);
    expect(one?.redaction?.digest).not.toBe(two?.redaction?.digest);
  });

  it("and marks stay where an event comes redacted, and what new rules say is added", async () => {
    const first = await redactOne(storesOf({ shop: PASSWORDS }), received(node({ app_id: "shop" })));
    const { text, redaction } = first;
    const again = await redactOne(storesOf({ shop: { redact: { paths: ["title"] } } }), received(text, { redaction }));
    const withTitle = text.replace("{", '{"title":"t",');
    const more = await redactOne(
      storesOf({ shop: { redact: { paths: ["title"] } } }),
      received(withTitle, { redaction }),
    );
    const none = await redactOne(storesOf({}), received(text, { redaction }));

    expect(again).toEqual(first);
    expect(none).toEqual(first);
    expect(more.redaction).toEqual({ digest: redaction?.digest, fields: ["inputs", "title"] });
  });

  it("marks what was touched, with nothing that was in it", async () => {
    const stores = storesOf({ shop: { redact: { paths: ["inputs"], detectors: ["emails"] } } });
    const text = eventText("node.started", {
      app_id: "shop",
      inputs: 1,
      title: "a@example.com",
      "b@example.com": 1,
      x: 1,
    });
    const { reading } = await redactOne(stores, received(text));
    expect(reading.status === "read" && redactedAmong(reading.event.fields)).toEqual(["***", "inputs", "title"]);
  });
});

describe("a refused event", () => {
  it("is kept redacted by the rules of its app, of its run's, or of all", async () => {
    const stores = storesOf(APPS, { "run-1": "bank" });
    const refused = (members: Record<string, string>, runId?: string) =>
      received(ofTenant("demo", node({ at: "never", ...members }, runId)));
    const redacted = await redactEvents(stores, [refused({ app_id: "shop" }), refused({}), refused({}, "run-2")]);

    expect(redacted.map(inputsOf)).toEqual([BY_SHOP, BY_BANK, BY_ALL]);
    expect(redacted.map(({ reading }) => reading)).toEqual(
      ["run-1", "run-1", "run-2"].map((runId) =>
        expect.objectContaining({ status: "rejected", runId, code: "INVALID_EVENT" }),
      ),
    );
  });

  it("that names its app asks nobody for it", async () => {
    const stores = storesOf(APPS, { "run-1": "bank" });
    expect(inputsOf(await redactOne(stores, received(node({ at: "never", app_id: "shop" }))))).toEqual(BY_SHOP);
    expect(stores.asked).toEqual([]);
  });

  it("that is only early has its identity already", async () => {
    const text = node({ app_id: "shop", at: LATER });
    const early = await redactOne(storesOf(APPS), received(text));
    const inTime = readEvent({ text, value: {} }, { now: Date.parse(LATER), isFromQueue: false });
    const direct = await redactOne(storesOf(APPS), { tenantId, text, reading: inTime });

    expect(early.reading).toMatchObject({ status: "rejected", code: "AT_IN_FUTURE" });
    expect(early.redaction).toEqual(direct.redaction);
    expect(early.text).toBe(direct.text);
  });

  it("tells nothing in its reasons or ids", async () => {
    const stores = storesOf({ shop: { redact: { detectors: ["emails"] } } });
    const text = `{"type":"run.started","id":"a@example.com","run_id":"b@example.com","c@example.com":1,"c@example.com":2}`;
    const { reading, text: kept } = await redactOne(stores, received(text));
    expect(JSON.stringify(reading)).not.toContain("example");
    expect(kept).not.toContain("example");
    expect(reading).toMatchObject({ status: "rejected", id: undefined, runId: undefined });
    expect((reading as unknown as { errors: unknown }).errors).toContainEqual({
      path: "***",
      message: "expected once, came twice",
    });
  });

  it.each([
    ["that is no JSON", '{"inputs":{"password":"p"', "NOT_JSON"],
    ["that is no object", '["p"]', "INVALID_EVENT"],
    ["that never came so far", "", "INVALID_EVENT"],
    ["that is too large", "{}", "EVENT_TOO_LARGE"],
  ] as const)("%s is kept as ***", async (_, text, code) => {
    const reading = { ok: false, code, errors: [], id: undefined, runId: undefined, tenantId } as const;
    const redacted = await redactOne(storesOf(APPS), { tenantId, text, reading });
    expect(redacted).toMatchObject({ text: '"***"', redaction: undefined });
  });
});

describe("where rules cannot be had", () => {
  it("events are unavailable, and nothing of them is kept", async () => {
    const fault = new StoreFault("throttled", { cause: undefined, isRetryable: true });
    const stores = storesOf(APPS);
    const noSettings = { ...stores, settings: { ofTenant: () => Promise.reject(fault) } as unknown as SettingsStore };
    const noHeaders = { ...stores, runs: { find: () => Promise.reject(fault) } as unknown as RunStore };
    const [good, bad] = [received(node({})), received(node({ at: "never" }))];

    for (const event of [good, bad]) {
      for (const broken of [noSettings, noHeaders]) {
        expect(await redactOne(broken, event)).toEqual({
          tenantId,
          text: '"***"',
          redaction: undefined,
          reading: { status: "unavailable", id: undefined, runId: "run-1", fault },
        });
      }
    }
  });

  it("because the secret is missing, that is a bug, and nothing is kept", async () => {
    const { reading } = await redactOne(storesOf(APPS, {}, ""), received(node({})));
    const without = storesOf(APPS);
    const settings = { ...without.settings, secretOf: async () => undefined } as unknown as SettingsStore;
    expect(reading.status).toBe("read");
    expect((await redactOne({ ...without, settings }, received(node({})))).reading).toMatchObject({
      status: "unavailable",
      fault: { cause: { message: "expected a secret of a tenant that has rules, came none" } },
    });
  });

  it("others go on", async () => {
    const fault = new StoreFault("throttled", { cause: undefined, isRetryable: true });
    const stores = storesOf(APPS, { "run-2": "shop" });
    const runs = {
      find: async (run: never) => {
        if ((run as { runId: string }).runId === "run-1") throw fault;
        return stores.runs.find(run);
      },
    } as unknown as RunStore;
    const redacted = await redactEvents({ ...stores, runs }, [received(node({})), received(node({}, "run-2"))]);
    expect(redacted.map(({ reading }) => reading.status)).toEqual(["unavailable", "read"]);
    expect(inputsOf(redacted[1] as RedactedEvent)).toEqual(BY_SHOP);
  });
});
