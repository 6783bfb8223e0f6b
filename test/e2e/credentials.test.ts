import { randomBytes } from "node:crypto";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { ROUTES, type Route, SCOPES } from "../../shared/contract/routes.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents } from "./support/api.ts";
import { deployment } from "./support/deployment.ts";
import { eventually } from "./support/eventually.ts";
import { newKey, newTenant, revokeKey, revokeKeys } from "./support/tenants.ts";

const SECRET = "s3cret-of-the-payload";
const PATHS = [
  "/v1/runs/run-1",
  "/v1/runs/run-1/nodes",
  "/v1/runs/run-1/nodes?include=payload",
  "/v1/runs/run-1/nodes/node-1",
  "/v1/runs/run-1/trace",
  "/v1/runs/run-1/events",
];

let owner: TenantId;
let stranger: TenantId;
let key: string;
beforeAll(async () => {
  [owner, stranger] = [newTenant("owner"), newTenant("stranger")];
  key = await newKey(owner);
  const payload = { inputs: json(`["${SECRET}"]`), outputs: json(`["${SECRET}"]`), custom: json(`["${SECRET}"]`) };
  const events = [
    eventText("run.started", payload),
    eventText("node.started", payload),
    eventText("node.retried", payload),
    eventText("node.finished", { ...payload, process_data: json(`["${SECRET}"]`) }),
    eventText("agent.logged", { data: json(`["${SECRET}"]`) }),
    eventText("run.finished", payload),
  ];
  expect((await postEvents(key, events)).status).toBe(200);
});
afterAll(revokeKeys);

const cacheSeconds = (): number => deployment().settings.keys.cacheSeconds;

/** The first answer of 401, within the time that the gateway may remember a credential. */
const refusedSoon = (what: string, call: () => Promise<Answer>): Promise<Answer> =>
  eventually(
    what,
    async () => {
      const answer = await call();
      return answer.status === 200 ? undefined : answer;
    },
    { seconds: cacheSeconds() + 5 },
  );

describe("who is not known", () => {
  const randomKey = (): string => `rk_${randomBytes(32).toString("base64url")}`;

  test.each<[string, () => string]>([
    ["a key that nobody has", () => `Bearer ${randomKey()}`],
    ["a key with a letter changed", () => `Bearer ${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`],
    ["a key cut short", () => `Bearer ${key.slice(0, -1)}`],
    ["a key with something after it", () => `Bearer ${key}x`],
    ["a key without its scheme", () => key],
    ["a key under another scheme", () => `Basic ${key}`],
    ["a key as a password", () => `Basic ${Buffer.from(`:${key}`).toString("base64")}`],
    ["two keys", () => `Bearer ${key}, Bearer ${key}`],
    ["two keys in a scheme", () => `Bearer ${key} ${key}`],
    ["a quoted key", () => `Bearer "${key}"`],
    ["a scheme alone", () => "Bearer"],
    ["a scheme and blanks", () => "Bearer    "],
    ["something very long", () => `Bearer ${"x".repeat(6000)}`],
  ])("is refused: %s", async (_what, header) => {
    const answer = await get("/v1/runs/run-1", { headers: { authorization: header() } });

    expectProblem(answer, 401, "UNAUTHORIZED");
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect(answer.text).not.toContain(key);
  });

  test.each(ROUTES.filter(({ scope }) => scope !== undefined).map(({ method, resource }) => [method, resource]))(
    "is refused without a credential: %s %s",
    async (method, resource) => {
      const path = resource.replaceAll(/\{\w+\}/g, "run-1");

      expectProblem(await ask(method, path), 401, "UNAUTHORIZED");
      expectProblem(await ask(method, path, { headers: { authorization: "" } }), 401, "UNAUTHORIZED");
    },
  );

  test("is refused where the key stands anywhere but in its header", async () => {
    for (const headers of [
      { "x-api-key": key },
      { cookie: `authorization=Bearer ${key}` },
      { "x-authorization": key },
    ]) {
      expectProblem(await get("/v1/runs/run-1", { headers }), 401, "UNAUTHORIZED");
    }
    expectProblem(await get(`/v1/runs/run-1?access_token=${key}&authorization=${key}`), 401, "UNAUTHORIZED");
  });
});

describe("a key", () => {
  test("is good however its scheme is written", async () => {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const answer = await get("/v1/runs/run-1", { headers: { authorization: `${scheme} ${key}` } });
      expect(answer.status).toBe(200);
    }
  });

  test("that is revoked is refused once the gateway has forgotten it", async () => {
    const revoked = await newKey(owner);
    expect((await get("/v1/apps", { key: revoked })).status).toBe(200);

    await revokeKey(revoked);
    const answer = await refusedSoon("a revoked key is refused", () => get("/v1/apps", { key: revoked }));

    expectProblem(answer, 401, "UNAUTHORIZED");
  }, 4_000_000);

  test("that has expired is refused", async () => {
    const expired = await newKey(owner, { expiresAt: Date.now() - 1 });

    expectProblem(await get("/v1/apps", { key: expired }), 401, "UNAUTHORIZED");
  });

  test("is refused from the moment that it expires, while the gateway still remembers it", async () => {
    await get("/v1/apps", { key });
    const startedAt = Date.now();
    const brief = await newKey(owner, { expiresAt: startedAt + 1200 });
    expect((await get("/v1/apps", { key: brief })).status).toBe(200);

    const answer = await refusedSoon("a key that expires is refused", () => get("/v1/apps", { key: brief }));

    expectProblem(answer, 401, "UNAUTHORIZED");
    if (cacheSeconds() > 0) expect(Date.now() - startedAt).toBeLessThan(cacheSeconds() * 1000);
  });
});

describe("a scope", () => {
  const routes: readonly Route[] = ROUTES;
  const guarded = routes.flatMap(({ method, resource, scope, alsoBy }) =>
    scope === undefined ? [] : [[method, resource, scope, alsoBy] as const],
  );

  test.each(guarded)("is demanded of %s %s: %s", async (method, resource, scope, alsoBy) => {
    const path = resource.replaceAll(/\{\w+\}/g, "none");
    const others = await newKey(owner, { scopes: SCOPES.filter((one) => one !== scope && one !== alsoBy) });
    const alone = await newKey(owner, { scopes: [scope] });
    const headers = { "content-type": "application/json" };

    expectProblem(await ask(method, path, { key: others, headers, body: "" }), 403, "FORBIDDEN");
    expect([401, 403]).not.toContain((await ask(method, path, { key: alone, headers, body: "" })).status);
  });

  test("of no name lets nobody do anything", async () => {
    const none = await newKey(owner, { scopes: [] });

    for (const path of [...PATHS, "/v1/apps", "/v1/quarantine"]) {
      expectProblem(await get(path, { key: none }), 403, "FORBIDDEN");
    }
    expectProblem(await postEvents(none, [eventText("run.started")]), 403, "FORBIDDEN");
  });

  test.each([...PATHS, "/v1/runs/run-1/trace?root=node-1", "/v1/apps/app-1/runs"])(
    "for payload is demanded to see any of it at %s",
    async (path) => {
      const reader = await newKey(owner, { scopes: ["ingest", "read", "control", "admin"] });

      const hidden = await get(path, { key: reader });
      const shown = await get(path, { key });

      expect([hidden.status, shown.status]).toEqual([200, 200]);
      expect(hidden.text).not.toContain(SECRET);
      expect(hidden.text).not.toMatch(/_preview"|_size"/);
      if (path.startsWith("/v1/runs")) {
        expect(hidden.text).toContain('"payload_hidden":true');
        expect(shown.text).toContain(SECRET);
      }
    },
  );
});

describe("what belongs to another tenant", () => {
  /** An answer byte by byte, but for the id of its request and its time. */
  const plain = ({ status, headers, text, json: body }: Answer): unknown => {
    const names = Object.keys(headers).filter((name) => !/^(date|x-)/.test(name));
    return [status, names.map((name) => [name, headers[name]]), text.replaceAll(body.request_id, "")];
  };

  test.each(PATHS)("is answered like what does not exist: %s", async (path) => {
    const foreign = await newKey(stranger);

    const [own, theirs, none] = await Promise.all([
      get(path, { key }),
      get(path, { key: foreign }),
      get(path.replace("run-1", "run-2"), { key: foreign }),
    ]);

    expect(own.status).toBe(200);
    expectProblem(theirs, 404, "NOT_FOUND");
    expect(plain(theirs)).toEqual(plain(none));
  });

  test("is answered like what does not exist: the runs of an app", async () => {
    const foreign = await newKey(stranger);

    const [own, theirs, none] = await Promise.all([
      get("/v1/apps/app-1/runs", { key }),
      get("/v1/apps/app-1/runs", { key: foreign }),
      get("/v1/apps/app-2/runs", { key: foreign }),
    ]);

    expect(own.json.data).toHaveLength(1);
    expect(theirs.text).toBe(none.text);
    expect((await get("/v1/apps", { key: foreign })).json.data).toEqual([]);
  });

  test("does not open by a cursor of its own", async () => {
    const foreign = await newKey(stranger);
    const { json: page } = await get("/v1/runs/run-1/events?limit=1", { key });

    const theirs = await get(`/v1/runs/run-1/events?limit=1&after=${page.next_cursor}`, { key: foreign });

    expect([400, 404]).toContain(theirs.status);
    expect(theirs.text).not.toContain(SECRET);
  });

  test("cannot be written to by an event that names it", async () => {
    const foreign = await newKey(stranger);
    const event = eventText("run.finished", { run_id: "run-1", status: "failed" });

    const answer = await postEvents(foreign, [ofTenant(owner, event)]);

    expectProblem(answer, 400, "ALL_REJECTED");
    expect(answer.json.results).toMatchObject([{ code: "INVALID_EVENT", errors: [{ path: "tenant_id" }] }]);
    expect((await get("/v1/runs/run-1", { key })).json.status).toBe("succeeded");
  });

  test("is another run where it has the same ids", async () => {
    const foreign = await newKey(stranger);
    const large = (name: string): string => `"${name}${randomBytes(20_000).toString("hex")}"`;
    const [ours, theirs] = [large("owner"), large("stranger")];

    await postEvents(key, [eventText("run.started", { run_id: "same", inputs: json(ours) })]);
    await postEvents(foreign, [eventText("run.started", { run_id: "same", inputs: json(theirs) })]);

    expect((await get("/v1/runs/same", { key })).json.inputs).toBe(JSON.parse(ours));
    expect((await get("/v1/runs/same", { key: foreign })).json.inputs).toBe(JSON.parse(theirs));
  });
});
