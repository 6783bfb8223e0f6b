import type { RouteName } from "../../shared/contract/routes.ts";
import type { Reply, Service } from "./service.ts";

/** A run that is looked for on every route. It is the only one of its app. */
export interface SoughtRun {
  readonly runId: string;
  readonly appId: string;
  readonly status: string;
  /** When its app was first seen: before the run. */
  readonly registeredAt: string;
  /** A node execution of it that failed. */
  readonly nodeExecutionId: string;
  /** Whether that failure is listed: of runs that have ended. */
  readonly hasFailures: boolean;
  /** A tag that only it has. */
  readonly tag: string;
}

/** Looks for a run in one way: whether the run shows. */
export interface Probe {
  readonly route: RouteName;
  readonly what: string;
  readonly isThere: (run: SoughtRun) => Promise<boolean>;
  /** It would change the run where it is there: asked only where it must be gone. */
  readonly isDestructive?: boolean;
  /** It takes away what is left of a run that is gone, which others are to see collected: asked by a test of its own. */
  readonly isRemoval?: boolean;
}

/** Routes on which no run shows, and why. */
export const ROUTES_WITHOUT_RUNS: Readonly<Partial<Record<RouteName, string>>> = {
  "POST /v1/events": "takes events",
  "POST /v1/dify/events": "takes events",
  "POST /v1/uploads": "takes payload",
  "GET /v1/apps/{app_id}/statistics": "statistics survive, and name no run",
  "GET /v1/audit": "tells what administrators did",
  "GET /v1/jobs": "tells what jobs did",
  "GET /v1/jobs/{job_id}": "tells what a job did",
  "DELETE /v1/jobs/{job_id}": "ends a job",
  "GET /v1/apps/{app_id}/settings": "settings of the app",
  "PUT /v1/apps/{app_id}/settings": "settings of the app",
  "GET /v1/quarantine": "events that became no run's",
  "POST /v1/quarantine/redrive": "events that became no run's",
  "POST /v1/quarantine/{id}/redrive": "events that became no run's",
  "GET /v1/health": "tells nothing",
};

const RUN = "/v1/runs/{run_id}";
const APP = "/v1/apps/{app_id}";

/** That a route answers with the run, or that there is none; nothing else is right. */
const found = ({ status, text }: Reply): boolean => {
  if (status === 404) return false;
  if (status === 200) return true;
  throw new Error(`expected the run or 404, came ${status}: ${text.slice(0, 300)}`);
};

/** Whether an answer that is there in any case names the run. */
const named = ({ status, text }: Reply, run: SoughtRun): boolean => {
  if (status !== 200) throw new Error(`expected an answer, came ${status}: ${text.slice(0, 300)}`);
  return text.includes(`"${run.runId}"`);
};

/** Every way in which a run shows; `anchor` is another run, which stays. */
export const runProbes = (service: Service, anchor: string): readonly Probe[] => {
  const at = (run: SoughtRun) => ({ run_id: run.runId, app_id: run.appId, node_execution_id: run.nodeExecutionId });
  const get = (resource: string, run: SoughtRun, query: Record<string, string> = {}): Promise<Reply> =>
    service.get({ resource, path: at(run), query });
  const reads: readonly (readonly [string, string, Record<string, string>])[] = [
    ["the run", RUN, {}],
    ["its nodes", `${RUN}/nodes`, {}],
    ["its nodes with payload", `${RUN}/nodes`, { include: "payload" }],
    ["one of its nodes", `${RUN}/nodes/{node_execution_id}`, {}],
    ["its trace", `${RUN}/trace`, {}],
    ["its events", `${RUN}/events`, {}],
    ["its difference to another", `${RUN}/diff`, { with: anchor }],
  ];
  const lists: readonly (readonly [string, string, (run: SoughtRun) => Record<string, string>])[] = [
    ["all runs", "/v1/runs", () => ({ limit: "100" })],
    ["all runs of its status", "/v1/runs", ({ status }) => ({ status })],
    ["all runs of its tag", "/v1/runs", ({ tag }) => ({ tag })],
    ["runs that came out of another", "/v1/runs", ({ tag }) => ({ tag, parent_run_id: anchor })],
    ["runs of its app", `${APP}/runs`, () => ({})],
    ["runs of its app and status", `${APP}/runs`, ({ status }) => ({ status })],
    ["runs of its app of two statuses", `${APP}/runs`, ({ status }) => ({ status, tag: "any" })],
    ["an export of its app", `${APP}/export`, () => ({})],
  ];
  return [
    ...reads.map(
      ([what, resource, query]): Probe => ({
        route: `GET ${resource}` as RouteName,
        what,
        isThere: async (run) => found(await get(resource, run, query)),
      }),
    ),
    {
      route: `GET ${RUN}/diff`,
      what: "another's difference to it",
      isThere: async (run) =>
        found(await service.get({ resource: `${RUN}/diff`, path: { run_id: anchor }, query: { with: run.runId } })),
    },
    ...lists.map(
      ([what, resource, query]): Probe => ({
        route: `GET ${resource}` as RouteName,
        what,
        isThere: async (run) => named(await get(resource, run, query(run)), run),
      }),
    ),
    {
      route: "GET /v1/apps",
      what: "its app's activity",
      isThere: async (run) => {
        const { json } = await service.get({ resource: "/v1/apps", query: { limit: "100" } });
        const app = json.data.find(({ app_id }: { app_id: string }) => app_id === run.appId);
        return app.last_activity_at !== run.registeredAt;
      },
    },
    {
      route: "GET /v1/apps/{app_id}/runs/count",
      what: "the count of its app",
      isThere: async (run) => {
        const { json } = await get(`${APP}/runs/count`, run);
        return json.total > 0 && json.by_status[run.status] === json.total;
      },
    },
    {
      route: "GET /v1/apps/{app_id}/failures",
      what: "failures of its app",
      isThere: async (run) => named(await get(`${APP}/failures`, run), run),
    },
    {
      route: "GET /v1/apps/{app_id}/failures",
      what: "kinds of failures of its app",
      isThere: async (run) =>
        (await get(`${APP}/failures`, run, { group_by: "fingerprint", created_after: run.registeredAt })).json.data
          .length > 0,
    },
    {
      route: "DELETE /v1/apps/{app_id}/runs",
      what: "a deletion that only counts",
      isThere: async (run) => {
        const call = { resource: `${APP}/runs`, path: at(run), query: { all: "true", dry_run: "true" } };
        return (await service.delete(call)).json.report.matched > 0;
      },
    },
    {
      route: "DELETE /v1/runs/{run_id}",
      what: "its deletion",
      isRemoval: true,
      isThere: async (run) => found(await service.delete({ resource: RUN, path: at(run) })),
    },
    {
      route: "PUT /v1/runs/{run_id}/hold",
      what: "its hold",
      isDestructive: true,
      isThere: async (run) => found(await service.put({ resource: `${RUN}/hold`, path: at(run), body: "{}" })),
    },
    {
      route: "DELETE /v1/runs/{run_id}/hold",
      what: "its release",
      isDestructive: true,
      isThere: async (run) => found(await service.delete({ resource: `${RUN}/hold`, path: at(run) })),
    },
  ];
};

const isOfFailures = ({ route }: Probe): boolean => route === "GET /v1/apps/{app_id}/failures";

/** The ways in which a run shows that should not, or does not and should; empty where all is right. */
export const wrongProbes = async (
  probes: readonly Probe[],
  run: SoughtRun,
  expected: "there" | "gone",
): Promise<string[]> => {
  const wrong: string[] = [];
  for (const probe of probes) {
    if (probe.isRemoval) continue;
    if (expected === "there" && (probe.isDestructive || (isOfFailures(probe) && !run.hasFailures))) continue;
    if ((await probe.isThere(run)) !== (expected === "there")) wrong.push(`${run.runId}: ${probe.what}`);
  }
  return wrong;
};
