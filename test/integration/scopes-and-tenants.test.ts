import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import * as v from "valibot";
import { authorizeFunction } from "../../functions/authorize/authorize.ts";
import { admitApiKey, newApiKey } from "../../shared/app/keys/api-keys.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { ROUTES, type Route, SCOPES, type Scope } from "../../shared/contract/routes.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoCredentialStore } from "../../shared/dynamodb/dynamo-credential-store.ts";
import type { CredentialStore } from "../../shared/ports/credential-store.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, type Service, startService } from "../support/service.ts";
import { logText } from "../support/stored.ts";

let service: Service;
let credentials: CredentialStore;
const clock = manualClock();
beforeAll(async () => {
  service = await startService(undefined, clock);
  credentials = dynamoCredentialStore(tableOf(service.dynamodb, service.tableName));
});
afterAll(() => service.stop());

const RUN = "/v1/runs/{run_id}";
const NODES = "/v1/runs/{run_id}/nodes";
const NODE = "/v1/runs/{run_id}/nodes/{node_execution_id}";
const TRACE = "/v1/runs/{run_id}/trace";
const EVENTS = "/v1/runs/{run_id}/events";
const DIFF = "/v1/runs/{run_id}/diff";
const RUNS = "/v1/apps/{app_id}/runs";

const call = (method: string, request: HttpCall): Promise<Reply> =>
  service[method.toLowerCase() as "get" | "post" | "put" | "delete"](request);

describe("a scope", () => {
  const path = { run_id: "run-1", node_execution_id: "node-1", app_id: "app-1" };
  const body = `{"events":[${eventText("run.started", { run_id: "unscoped" })}]}`;
  const routes: readonly Route[] = ROUTES;
  const guarded = routes.flatMap(({ method, resource, scope, alsoBy }) =>
    scope === undefined ? [] : [[`${method} ${resource}`, method, resource, scope, alsoBy] as const],
  );

  test.each(guarded)("is needed for %s", async (_route, method, resource, scope, alsoBy) => {
    const others = SCOPES.filter((other) => other !== scope && other !== alsoBy).join(" ");
    for (const scopes of ["", others, `${scope}s`, scope.toUpperCase(), `${scope},${scope}`, "*"]) {
      expectProblem(await call(method, { resource, path, body, scopes }), 403, "FORBIDDEN");
    }
    for (const scopes of [scope, alsoBy ?? scope, `${others} ${scope}`]) {
      expect([401, 403]).not.toContain((await call(method, { resource, path, body: "", scopes })).status);
    }
  });

  test.each(guarded)("helps no one without a tenant: %s", async (_route, method, resource, scope) => {
    for (const tenant of ["", "a#b", "a/b", "x".repeat(129)]) {
      const reply = await call(method, { resource, path, body, tenant, scopes: scope });
      expectProblem(reply, 401, "UNAUTHORIZED");
    }
  });

  test("that lets events in does not let anyone read them", async () => {
    const written = await service.post({ resource: "/v1/events", body, scopes: "ingest" });

    expect(written.status).toBe(200);
    for (const resource of [RUN, NODES, NODE, TRACE, EVENTS, "/v1/apps", "/v1/runs", RUNS, `${RUNS}/count`]) {
      expectProblem(
        await service.get({ resource, path: { ...path, run_id: "unscoped" }, scopes: "ingest" }),
        403,
        "FORBIDDEN",
      );
    }
  });

  describe("of who may start a job is needed to see and to cancel it", () => {
    const JOB = "/v1/jobs/{job_id}";
    const EXPORT = { method: "GET", resource: "/v1/apps/{app_id}/export", headers: { prefer: "respond-async" } };
    const DELETION = { method: "DELETE", resource: RUNS, query: { status: "failed" } };

    test.each<[string, HttpCall & { method: string }, string, string, string]>([
      ["a deletion", DELETION, "admin", "admin", "admin"],
      ["a dry run", { ...DELETION, query: { all: "true", dry_run: "true" } }, "admin", "admin", "admin"],
      ["an export of payload", EXPORT, "read payload", "read", "read payload"],
      ["an export without payload", EXPORT, "read", "read", "read"],
    ])("%s", async (_what, { method, ...request }, starting, seeing, cancelling) => {
      const { json: job } = await call(method, { ...request, path, scopes: starting });
      const statusFor = async (how: "GET" | "DELETE", scopes: string): Promise<number> =>
        (await call(how, { resource: JOB, path: { job_id: job.job_id }, scopes })).status;
      /** Every set of scopes that lacks one that is needed. */
      const without = (needed: string): string[] =>
        needed.split(" ").map((one) => SCOPES.filter((scope) => scope !== one).join(" "));

      for (const scopes of without(seeing)) expect(await statusFor("GET", scopes)).toBe(403);
      for (const scopes of without(cancelling)) expect(await statusFor("DELETE", scopes)).toBe(403);
      expect([await statusFor("GET", seeing), await statusFor("DELETE", cancelling)]).toEqual([200, 200]);
    });
  });

  test("is not needed to ask for health", async () => {
    const reply = await service.get({ resource: "/v1/health", tenant: "", scopes: "" });

    expect([reply.status, reply.json]).toEqual([200, { status: "ok" }]);
  });
});

describe("payload, for want of its scope", () => {
  const SECRET = "s3cret-of-the-payload";
  const payload = [
    ...["inputs", "outputs", "process_data", "graph", "data", "reasons", "custom", "__proto__", ""].map(
      (name) => [name, json(`["${SECRET}"]`)] as const,
    ),
    ["large", json(`"${SECRET}${"x".repeat(20_000)}"`)] as const,
  ];
  const run_id = "secret-run";
  const path = { run_id, node_execution_id: "node-1", app_id: "secrets" };

  beforeAll(async () => {
    const members = [["run_id", run_id] as const, ["app_id", "secrets"] as const, ...payload];
    const events = [
      eventText("run.started", members),
      eventText("run.paused", members),
      eventText("node.started", members),
      eventText("node.checkpointed", members),
      eventText("node.retried", members),
      eventText("agent.logged", members),
      eventText("node.finished", members),
      eventText("node.finished", [
        ...members,
        ["node_execution_id", "node-2"],
        ["iteration_id", "round"],
        ["status", "failed"],
      ]),
      eventText("node.started", [
        ...members,
        ["node_execution_id", "node-3"],
        ["node_id", "round"],
        ["node_type", "iteration"],
      ]),
      eventText("run.finished", members),
    ];
    expect((await postEvents(service, events)).status).toBe(200);
  });

  /** Every object of an answer that tells a run, a node execution, an attempt, a log line or an event. */
  function* tellers(value: unknown): Generator<Record<string, unknown>> {
    if (typeof value !== "object" || value === null) return;
    const told = value as Record<string, unknown>;
    if (
      ["node_counts", "attempts", "retries", "number", "log_id", "received_at"].some((name) =>
        Object.hasOwn(told, name),
      )
    ) {
      yield told;
    }
    for (const inner of Object.values(told)) yield* tellers(inner);
  }

  test.each<[string, HttpCall, number]>([
    ["the run", { resource: RUN, path }, 1],
    ["nodes", { resource: NODES, path }, 0],
    ["nodes that were asked for with payload", { resource: NODES, path, query: { include: "payload" } }, 0],
    ["a node and its attempts", { resource: NODE, path }, 3],
    ["the trace", { resource: TRACE, path }, 5],
    ["a part of the trace", { resource: TRACE, path, query: { root: "node-3" } }, 3],
    ["events", { resource: EVENTS, path }, 10],
    ["the list of runs", { resource: RUNS, path }, 0],
    ["the list of all runs", { resource: "/v1/runs" }, 0],
    ["the count of runs", { resource: `${RUNS}/count`, path }, 0],
    ["a diff", { resource: DIFF, path, query: { with: run_id } }, 0],
    ["apps", { resource: "/v1/apps" }, 0],
  ])("is shown by %s in no form", async (_what, request, least) => {
    const { status, text, json: answer } = await service.get({ ...request, scopes: "read" });

    expect(status).toBe(200);
    expect(text).not.toContain(SECRET);
    expect(text).not.toMatch(/_preview"|_size"|"(inputs|outputs|process_data|graph|data|reasons|custom|large)":[^[]/);
    const told = [...tellers(answer)];
    expect(told.length).toBeGreaterThanOrEqual(least);
    for (const object of told) expect(object["payload_hidden"]).toBe(true);
  });

  test.each([
    ["nodes", { resource: NODES, path }],
    ["nodes asked for with payload", { resource: NODES, path, query: { include: "payload" } }],
  ])("is said to be hidden by each of %s", async (_what, request) => {
    const { json: answer } = await service.get({ ...request, scopes: "read" });

    expect(answer.data).toHaveLength(3);
    for (const node of answer.data) expect(node.payload_hidden).toBe(true);
  });

  test("is not said to be hidden where the scope is there", async () => {
    for (const resource of [RUN, NODES, NODE, TRACE, EVENTS]) {
      const { text } = await service.get({ resource, path, scopes: "read payload" });
      expect(text).toContain(SECRET);
      expect(text).not.toContain("payload_hidden");
    }
  });

  test("does not let a cursor of more than that be used for more", async () => {
    const light = await service.get({ resource: NODES, path, query: { limit: "1" }, scopes: "read payload" });
    const next = await service.get({
      resource: NODES,
      path,
      query: { limit: "1", after: light.json.next_cursor },
      scopes: "read",
    });

    expect(next.text).not.toContain(SECRET);
  });
});

describe("what belongs to another tenant", () => {
  const theirs = { run_id: "their-run", node_execution_id: "node-1" };

  beforeAll(async () => {
    const events = [
      eventText("run.started", { run_id: "their-run", app_id: "their-app" }),
      eventText("node.started", { run_id: "their-run" }),
    ];
    expect((await postEvents(service, events, "acme")).status).toBe(200);
  });

  /** An answer without what is new in each: the request's id. */
  const plain = ({ status, headers, json: answer }: Reply) => {
    const { request_id: _, ...body } = answer;
    const { "x-request-id": __, ...others } = headers;
    return { status, headers: others, body };
  };

  test.each<[string, string, HttpCall["query"]]>([
    ["the run", RUN, {}],
    ["its nodes", NODES, {}],
    ["its nodes with payload", NODES, { include: "payload", status: ["running"] }],
    ["a node", NODE, {}],
    ["its trace", TRACE, {}],
    ["a part of its trace", TRACE, { root: "node-1" }],
    ["its events", EVENTS, {}],
    ["its events to come", EVENTS, { wait: "20" }],
    ["its diff with itself", DIFF, { with: "their-run" }],
  ])("is answered like what does not exist: %s", async (_what, resource, query = {}) => {
    const before = clock.now();

    const own = await service.get({ resource, path: theirs, query, tenant: "acme" });
    const other = await service.get({ resource, path: theirs, query });
    const none = await service.get({ resource, path: { ...theirs, run_id: "no-run" }, query });
    const impossible = await service.get({ resource, path: { ...theirs, run_id: "a#b/.." }, query });

    expect(own.status).toBe(200);
    expectProblem(other, 404, "NOT_FOUND");
    expect(plain(other)).toEqual(plain(none));
    expect(plain(impossible)).toEqual(plain(none));
    expect(clock.now() - before).toBeLessThanOrEqual(20_000);
  });

  test.each(["/v1/runs", `${RUNS}/count`])("is not told by %s", async (resource) => {
    const of = (tenant: string) => service.get({ resource, path: { app_id: "their-app" }, tenant });

    expect((await of("acme")).text).toMatch(/their-run|"total":1/);
    expect((await of("nobody")).text).toMatch(/"data":\[\]|"total":0/);
  });

  test("is answered like what does not exist: the runs of an app", async () => {
    const [own, other, none] = await Promise.all([
      service.get({ resource: RUNS, path: { app_id: "their-app" }, tenant: "acme" }),
      service.get({ resource: RUNS, path: { app_id: "their-app" } }),
      service.get({ resource: RUNS, path: { app_id: "no-app" } }),
    ]);

    expect(own.json.data).toHaveLength(1);
    expect(plain(other)).toEqual(plain(none));
  });

  test("is another run where it has the same ids", async () => {
    const event = (inputs: string) =>
      eventText("run.started", { run_id: "same-run", app_id: "same-app", inputs: json(inputs) });
    const large = (name: string) => `"${name}${"x".repeat(30_000)}"`;

    await postEvents(service, [event(large("acme"))], "acme");
    await postEvents(service, [event(large("demo"))]);
    await service.deliver([ofTenant("other", event(large("other")))]);

    for (const tenant of ["acme", "demo", "other"]) {
      const run = await service.get({ resource: RUN, path: { run_id: "same-run" }, tenant });
      const list = await service.get({ resource: RUNS, path: { app_id: "same-app" }, tenant });
      expect(run.json.inputs).toBe(JSON.parse(large(tenant)));
      expect(list.json.data).toHaveLength(1);
    }
  });

  test("is not listed among apps, even where one tenant's name begins with another's", async () => {
    const tenants = ["te", "ten", "ten-2", "ten.a", "ten:a", "tena", "TEN", "ten~".slice(0, 3).concat("0")];
    for (const tenant of tenants) {
      const apps = [`of-${tenant}`, "z", "0"];
      await postEvents(
        service,
        apps.map((app_id) => eventText("run.started", { run_id: app_id, app_id })),
        tenant,
      );
    }

    for (const tenant of tenants) {
      const pages = await pagesOf(service, { resource: "/v1/apps", tenant, query: { limit: "2" } });
      const apps = pages.flatMap((page) => page.json.data.map(({ app_id }: { app_id: string }) => app_id));
      expect(apps).toEqual(["0", `of-${tenant}`, "z"].sort());
    }
    expect((await service.get({ resource: "/v1/apps", tenant: "nobody" })).json.data).toEqual([]);
  });
});

const EVENT = JSON.parse(
  readFileSync(join(__dirname, "../../events/authorizer/token.json"), "utf8"),
) as APIGatewayRequestAuthorizerEvent;
const WITHOUT_HEADER = JSON.parse(
  readFileSync(join(__dirname, "../../events/authorizer/without-header.json"), "utf8"),
) as APIGatewayRequestAuthorizerEvent;

describe("a credential", () => {
  const hour = 3_600_000;
  const hashOf = (key: string): string => createHash("sha256").update(key).digest("hex");
  const put = async (of: { scopes?: Scope[]; expiresAt?: number; revokedAt?: number }): Promise<string> => {
    const key = newApiKey();
    await credentials.put(hashOf(key), {
      tenantId: v.parse(TenantId, "acme"),
      scopes: of.scopes ?? ["read"],
      name: "test",
      createdAt: clock.now(),
      expiresAt: of.expiresAt,
      revokedAt: of.revokedAt,
      lastUsedOn: undefined,
    });
    return key;
  };
  const authorize = (header: string | undefined, name = "Authorization") =>
    authorizeFunction({ ...service.dependencies, credentials })({
      ...EVENT,
      headers: header === undefined ? {} : { [name]: header },
      multiValueHeaders: header === undefined ? {} : { [name]: [header] },
    });

  const expectUnauthorized = async (asked: Promise<unknown>, key = "s3cret"): Promise<void> => {
    const error: unknown = await asked.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    // API Gateway answers 401 to this message, and 500 to any other.
    expect((error as Error).message).toBe("Unauthorized");
    expect(JSON.stringify([String(error), (error as Error).stack])).not.toContain(key);
  };

  test("that is good gives its tenant and its scopes", async () => {
    const key = newApiKey();
    const tenantId = v.parse(TenantId, "acme");
    const grant = { tenantId, scopes: ["ingest", "read"] as const, name: "engine", expiresAt: undefined };
    await admitApiKey(credentials, key, { ...grant, createdAt: clock.now() });

    const result = await authorize(`Bearer ${key}`);

    expect(result).toMatchObject({
      principalId: "acme",
      policyDocument: {
        Statement: [
          {
            Action: "execute-api:Invoke",
            Effect: "Allow",
            Resource: "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/*",
          },
        ],
      },
      context: { tenant_id: "acme", scopes: "ingest read" },
    });
    expect(JSON.stringify(result)).not.toContain(key);
  });

  test("is found however the header and its scheme are written", async () => {
    const key = await put({});

    for (const [name, header] of [
      ["authorization", `Bearer ${key}`],
      ["AUTHORIZATION", `bearer ${key}`],
      ["Authorization", `  BEARER   ${key} `],
    ] as const) {
      expect((await authorize(header, name)).principalId).toBe("acme");
    }
  });

  test("is good until it expires", async () => {
    const key = await put({ expiresAt: clock.now() + hour });

    const before = await authorize(`Bearer ${key}`);
    clock.advance(hour - 1);
    const justBefore = await authorize(`Bearer ${key}`);
    clock.advance(1);

    expect([before.principalId, justBefore.principalId]).toEqual(["acme", "acme"]);
    await expectUnauthorized(authorize(`Bearer ${key}`), key);
  });

  test("that was revoked is refused at once", async () => {
    const revoked = await put({ revokedAt: clock.now() });
    const key = await put({});
    await authorize(`Bearer ${key}`);
    await credentials.revoke(hashOf(key), clock.now());

    await expectUnauthorized(authorize(`Bearer ${revoked}`), revoked);
    await expectUnauthorized(authorize(`Bearer ${key}`), key);
  });

  test("that is missing is refused", async () => {
    await expectUnauthorized(authorize(undefined));
    await expectUnauthorized(authorizeFunction({ ...service.dependencies, credentials })(WITHOUT_HEADER));
    await expectUnauthorized(authorizeFunction({ ...service.dependencies, credentials })({ ...EVENT, headers: null }));
  });

  test("that is wrong is refused", async () => {
    const key = await put({});
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      key,
      `Basic ${key}`,
      `Bearer: ${key}`,
      `Bearer${key}`,
      `Bearer ${newApiKey()}`,
      `Bearer ${key}x`,
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key.toUpperCase()}`,
      `Bearer ${key} ${key}`,
      `Bearer ${key}, Bearer ${key}`,
      `Bearer "${key}"`,
      `Bearer ${createHash("sha256").update(key).digest("hex")}`,
      `Bearer ${"x".repeat(10_000)}`,
      "Bearer null",
      "Bearer __proto__",
    ];

    for (const header of wrong) await expectUnauthorized(authorize(header), key);
  });

  test("is stored by its digest alone, and logged nowhere", async () => {
    const key = await put({});
    await authorize(`Bearer ${key}`);

    const { Items } = await service.dynamodb.send(new ScanCommand({ TableName: service.tableName }));

    expect(JSON.stringify(Items)).toContain(createHash("sha256").update(key).digest("hex"));
    expect(JSON.stringify(Items)).not.toContain(key.slice(3));
    expect(logText(service)).not.toContain(key.slice(3));
  });
});

describe("what is no payload, for want of payload's scope", () => {
  test("is shown however long it is: error, title, reason, tags, metadata", async () => {
    const long = "long ".repeat(400);
    const tags = Array.from({ length: 20 }, () => "t".repeat(256));
    const run_id = "long-run";
    await postEvents(service, [
      eventText("run.started", { run_id, tags }),
      eventText("run.finished", { run_id, status: "failed", error: long }),
      eventText("node.finished", {
        run_id,
        status: "failed",
        error: long,
        title: long,
        execution_metadata: { info: long },
      }),
    ]);

    const run = await service.get({ resource: RUN, path: { run_id }, scopes: "read" });
    const node = await service.get({ resource: NODE, path: { run_id, node_execution_id: "node-1" }, scopes: "read" });

    expect(run.json).toMatchObject({ error: long, tags });
    expect(node.json).toMatchObject({ error: long, title: long, execution_metadata: { info: long } });
  });
});
