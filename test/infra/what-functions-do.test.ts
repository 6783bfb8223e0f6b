import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { FUNCTIONS, type FunctionName } from "../../build/bundle.ts";
import { ACCESS, COUNTING_BY_TENANT } from "../../infra/constructs/function-access.ts";
import type { Access } from "../../infra/constructs/table-access.ts";
import { buryRun } from "../../shared/app/deletion/delete-run.ts";
import { type JobRequest, startJob } from "../../shared/app/jobs/start-job.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import { ANY_RUN, type RunFilter } from "../../shared/domain/run-filter.ts";
import {
  ITEM_KINDS,
  type ItemKind,
  OBJECT_PATTERNS,
  type ObjectKind,
  partitionPatterns,
} from "../../shared/dynamodb/key-patterns.ts";
import { allRunObjectsPrefixes } from "../../shared/dynamodb/object-keys.ts";
import { setApp } from "../support/app-settings.ts";
import { eventText, ofTenant } from "../support/event-text.ts";
import { grantedTo, isGranted, isLike, type Touch } from "../support/granted.ts";
import { manualClock } from "../support/manual-clock.ts";
import { postEvents, runKey } from "../support/service.ts";
import { refTo, upload } from "../support/uploads.ts";
import { startWatchedStage, type WatchedStage } from "../support/watched-stage.ts";
import { templatesOf } from "./deployed.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const APP = "app-1";
/** Its runs are redacted: what they hold cannot be an upload. */
const STRICT = "strict";

const clock = manualClock();
let stage: WatchedStage;

const large = (): string => randomBytes(30_000).toString("base64");
/** Does not fit into an item of the quarantine. */
const huge = (): string => randomBytes(350_000).toString("base64");
const graph = { nodes: Array.from({ length: 300 }, (_, index) => ({ id: `node-${index}`, type: "llm" })) };
const at = (aheadMs = 0): string => new Date(clock.now() + aheadMs).toISOString();
const place = (run_id: string) => ({ path: { run_id } });

/** A way that events come in: each takes those of one run and sends them at once. */
type Way = (events: (at: string) => readonly string[]) => Promise<void>;

const overHttp: Way = async (events) => {
  await postEvents(stage.service, events(at()));
};

const byQueue: Way = async (events) => {
  await stage.service.deliver([`[${events(at()).map((event) => ofTenant("demo", event))}]`]);
};

/** Refused at first, as they are of tomorrow. */
const byRedriving: Way = async (events) => {
  await stage.service.deliver(events(at(25 * HOUR_MS)).map((event) => ofTenant("demo", event)));
  clock.advance(2 * HOUR_MS);
  const { json } = await stage.service.post({ resource: "/v1/quarantine/redrive" });
  expect(json.unavailable ?? 0).toBe(0);
};

/** What can come of recording: folds, graphs, uploads, redaction, a hold, a deletion. */
const recordBy = async (send: Way, name: string): Promise<void> => {
  const { service } = stage;
  const start =
    (runId: string, members = {}) =>
    (at: string) => [
      eventText("run.started", {
        run_id: runId,
        at,
        graph: { ...graph, name: runId },
        inputs: { large: large() },
        ...members,
      }),
    ];
  const node =
    (runId: string, members = {}) =>
    (at: string) => [
      eventText("node.finished", { run_id: runId, at, app_id: APP, outputs: { large: large() }, ...members }),
    ];
  await send(start(`${name}-strict`, { app_id: STRICT, inputs: { password: "x" } }));
  await send(start(`${name}-kept`));
  await send(node(`${name}-kept`, { outputs: refTo(await upload(service, randomBytes(100))) }));
  await service.put({ resource: "/v1/runs/{run_id}/hold", ...place(`${name}-kept`) });
  await send((at) => [eventText("run.paused", { run_id: `${name}-kept`, at })]);
  await send((at) => [eventText("run.finished", { run_id: `${name}-kept`, at, app_id: APP })]);
  await send(start(`${name}-gone`));
  await service.delete({ resource: "/v1/runs/{run_id}", ...place(`${name}-gone`) });
  await send(node(`${name}-gone`, { outputs: refTo(await upload(service, randomBytes(100))) }));
};

const refuse = async (): Promise<void> => {
  const { service } = stage;
  await service.deliver(["not JSON", `not JSON ${huge()}`]);
  const bad = eventText("run.finished", { run_id: "bad", status: "done" });
  const early = eventText("run.started", { run_id: "early", at: at(48 * HOUR_MS), inputs: { huge: huge() } });
  await service.deliver([bad, early].map((event) => ofTenant("demo", event)));
  const { json } = await service.get({ resource: "/v1/quarantine" });
  for (const { id } of json.data) await service.post({ resource: "/v1/quarantine/{id}/redrive", path: { id } });
};

/** A run that fails, and one that comes out of it. */
const fail = async (runId: string): Promise<void> => {
  const failed = { run_id: runId, node_execution_id: "n-1", node_id: "n", status: "failed", error: "x".repeat(9000) };
  await overHttp((at) => [eventText("run.started", { run_id: runId, at, graph, inputs: { large: large() } })]);
  await overHttp((at) => [eventText("node.finished", { ...failed, at, outputs: { large: large() } })]);
  await overHttp((at) => [eventText("run.finished", { run_id: runId, at, app_id: APP, status: "failed" })]);
  await overHttp((at) => [eventText("run.started", { run_id: `${runId}-child`, at, parent_run_id: runId })]);
};

const follow = async (): Promise<void> => {
  await stage.project("failed");
  // The earlier end decides: the node has not failed after all.
  const better = { run_id: "failed", node_execution_id: "n-1", status: "succeeded", at: at(-HOUR_MS) };
  await overHttp(() => [eventText("node.finished", better)]);
  await stage.project("failed");
};

/** A run that ended is deleted before it is followed, and the deletion is cut off between objects and items. */
const followCutOff = async (): Promise<void> => {
  const run = runKey("demo", "cut-off");
  const { dependencies, services } = stage.service;
  const title = (): string => randomBytes(150).toString("base64");
  await overHttp((at) => [
    eventText("run.started", { run_id: run.runId, at }),
    ...Array.from({ length: 600 }, (_, index) =>
      eventText("node.started", { run_id: run.runId, at, node_execution_id: `n-${index}`, title: title() }),
    ),
    eventText("run.finished", { run_id: run.runId, at, app_id: APP }),
  ]);
  await stage.project(run.runId, async () => {
    await buryRun(dependencies, run);
    for (const prefix of allRunObjectsPrefixes(run)) {
      for await (const key of services.blobs.list(prefix)) await services.blobs.remove(key);
    }
  });
};

const ask = async (): Promise<void> => {
  const { get } = stage.service;
  const path = { run_id: "failed", node_execution_id: "n-1", app_id: APP };
  for (const part of ["", "/nodes", "/nodes/{node_execution_id}", "/trace", "/events"]) {
    await get({ resource: `/v1/runs/{run_id}${part}`, path, query: part === "/nodes" ? { include: "payload" } : {} });
  }
  await get({ resource: "/v1/runs/{run_id}/diff", path, query: { with: "failed-child" } });
  for (const part of ["runs", "runs/count", "statistics", "failures"]) {
    await get({ resource: `/v1/apps/{app_id}/${part}`, path });
  }
  await get({ resource: "/v1/apps" });
  for (const query of [{ parent_run_id: "failed" }, { status: "failed" }, { min_version: "failed:1" }]) {
    expect((await get({ resource: "/v1/runs", query })).status).toBe(200);
  }
};

const FILTERS: readonly Partial<RunFilter>[] = [
  {},
  { statuses: ["running"] },
  { parentRunId: runKey("demo", "failed").runId },
];

/** Has a job worked on from its beginning by the queue's function. */
const work = async (task: JobRequest["task"], filter: Partial<RunFilter>): Promise<void> => {
  const { dependencies, jobQueue, workOff } = stage.service;
  const { tenantId } = runKey("demo", "any");
  const request = { tenantId, appId: v.parse(AppId, APP), filter: { ...ANY_RUN, ...filter }, by: "a test", task };
  await startJob({ ...dependencies, jobQueue }, request, { delaySeconds: 0 });
  await workOff();
};

const exportRuns = async (): Promise<void> => {
  const { get, workOff } = stage.service;
  const resource = "/v1/apps/{app_id}/export";
  for (const query of [{}, { status: "running" }, { parent_run_id: "failed" }] as Record<string, string>[]) {
    expect((await get({ resource, path: { app_id: APP }, query })).status).toBe(200);
  }
  const job = await get({ resource, path: { app_id: APP }, headers: { prefer: "respond-async" } });
  await workOff();
  const done = await get({ resource: "/v1/jobs/{job_id}", path: { job_id: job.json.job_id } });
  expect(done.json.download_urls).toHaveLength(1);
  await get({ resource: "/v1/jobs" });
  await get({ resource: "/v1/audit" });
};

/** Runs are deleted by one of both functions that work on jobs, with uploads and with what waits in quarantine for them. */
const deleteRuns = async (): Promise<void> => {
  const { service } = stage;
  for (const runId of ["asked", "queued"]) {
    const outputs = refTo(await upload(service, randomBytes(100)));
    await overHttp((at) => [
      eventText("run.started", { run_id: runId, at, tags: [runId], inputs: { large: large() } }),
    ]);
    await overHttp((at) => [eventText("node.finished", { run_id: runId, at, outputs })]);
    const early = eventText("run.paused", { run_id: runId, at: at(48 * HOUR_MS), reason: huge() });
    await service.deliver([ofTenant("demo", early)]);
    if (runId === "queued") await work({ kind: "delete_runs" }, { tags: [runId] });
    else await service.delete({ resource: "/v1/apps/{app_id}/runs", path: { app_id: APP }, query: { tag: runId } });
  }
  for (const filter of FILTERS) await work({ kind: "dry_run" }, filter);
};

/** Runs go silent, retention is made longer, a run is deleted while it is moved. */
const lookAfter = async (): Promise<void> => {
  const { service } = stage;
  clock.advance(HOUR_MS);
  let looks = 0;
  await stage.reaper().tick(() => (looks++ < 4 ? 240_000 : 0));
  await stage.reaper().tick();
  await overHttp((at) => [eventText("run.started", { run_id: "raced", at, graph: { ...graph, name: "raced" } })]);
  const outputs = refTo(await upload(service, randomBytes(100)));
  await overHttp((at) => [eventText("node.finished", { run_id: "raced", at, outputs, process_data: large() })]);
  await setApp(service, APP, { retention_days: { running: 300, failed: 300 } });
  clock.advance(60_000);
  const raced = stage.reaper(({ ledger, ...dependencies }) => ({
    ...dependencies,
    ledger: {
      ...ledger,
      keepUntil: async (run, until) => {
        if (run.runId === "raced") await buryRun(service.dependencies, run);
        await ledger.keepUntil(run, until);
      },
    },
  }));
  await raced.tick();
  // So late that what was counted of the run may have become final.
  clock.advance(94 * DAY_MS);
  await stage.project("failed");
};

const matchesKind = (kind: ItemKind, key: string): boolean => {
  const { like, notLike } = partitionPatterns([kind]);
  return like.some((pattern) => isLike(key, pattern)) && !notLike.some((pattern) => isLike(key, pattern));
};

/** A kind of items or objects, or an index, and what is done there. */
const done = (kind: string, action: string): string => `${kind}: ${action}`;

/** What a function may do, all in all. */
const allowed = (of: Access): string[] => [
  ...Object.entries({ ...of.items }).flatMap(([kind, actions]) => actions.map((action) => done(kind, action))),
  ...(of.indexes ?? []).map((index) => done(index, "Query")),
  ...Object.entries({ ...of.objects }).flatMap(([kind, actions]) => actions.map((action) => done(kind, action))),
];

const seen = ({ action, resource, leadingKeys = [] }: Touch): string[] => {
  const [, verb = ""] = action.split(":");
  const index = /^table\/index\/(.+)$/.exec(resource)?.[1];
  if (index !== undefined) return [done(index, verb)];
  if (resource === "table") {
    return ITEM_KINDS.filter((kind) => leadingKeys.some((key) => matchesKind(kind, key))).map((kind) =>
      done(kind, verb),
    );
  }
  const key = resource.slice("payloads/".length);
  const kinds = (Object.keys(OBJECT_PATTERNS) as ObjectKind[]).filter((kind) => isLike(key, OBJECT_PATTERNS[kind]));
  // A run's own copy of a graph is an object of the run.
  return (kinds.includes("runs") ? ["runs"] : kinds).map((kind) => done(kind, verb));
};

const LIMITED = { limits: { plans: { standard: { requestsPerSecond: 1, burst: 1 } } } };
const { ingest, jobs, api, project, upkeep } = templatesOf(LIMITED);
const touchesOf = (name: FunctionName): readonly Touch[] => stage.touches.get(name) ?? [];

beforeAll(async () => {
  stage = await startWatchedStage(clock);
  await setApp(stage.service, STRICT, { redact: { paths: ["inputs.password"] } });
  await stage.service.get({ resource: "/v1/apps/{app_id}/settings", path: { app_id: STRICT } });
  await stage.authorize();
  await recordBy(overHttp, "http");
  await recordBy(byQueue, "queue");
  await recordBy(byRedriving, "redriven");
  await refuse();
  await fail("failed");
  await follow();
  await followCutOff();
  await ask();
  await exportRuns();
  await deleteRuns();
  await lookAfter();
}, 120_000);
afterAll(() => stage.service.stop());

describe("in a day of everything, a function does nothing that its role does not allow", () => {
  test.each(FUNCTIONS)("%s", (name) => {
    const statements = grantedTo(name, [ingest, jobs, api, project, upkeep]);
    const touches = touchesOf(name);

    expect(touches.length).toBeGreaterThan(0);
    expect(touches.filter((touch) => !isGranted(statements, touch))).toEqual([]);
  });
});

describe("and its role allows it nothing that it does not do", () => {
  test.each(FUNCTIONS)("%s", (name) => {
    const access = name === "authorize" ? [ACCESS[name], COUNTING_BY_TENANT] : [ACCESS[name]];
    const wanted = new Set(touchesOf(name).flatMap(seen));

    expect(access.flatMap(allowed).filter((one) => !wanted.has(one))).toEqual([]);
  });
});
