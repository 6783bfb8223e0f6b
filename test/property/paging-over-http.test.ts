import fc from "fast-check";
import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import type { EventType } from "../../shared/contract/event-fields.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import type { RunStore } from "../../shared/ports/run-store.ts";
import { eventText } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { postEvents, type Reply, runKey, type Service, startService } from "../support/service.ts";

const CASES = Math.min(25, Number(process.env["RUNSTONE_PROPERTY_CASES"] ?? 25));
const SEED = 20_261_122;
const DAY_MS = 86_400_000;
const RETENTION_MS = 30 * DAY_MS;

const ENDS = ["succeeded", "failed", "stopped"] as const;
const second = fc.nat({ max: 3 });
const app = fc.nat({ max: 2 });
const action = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("start" as const), app, second }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("move" as const), which: fc.nat(), end: fc.constantFrom(...ENDS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), days: fc.constantFrom(1, 12, 18) }) },
);
const schedule = fc.record({
  shards: fc.constantFrom(1, 3),
  runs: fc.array(fc.record({ app, second, moves: fc.nat({ max: 3 }), end: fc.constantFrom(...ENDS) }), {
    minLength: 5,
    maxLength: 25,
    size: "max",
  }),
  isOlderGone: fc.boolean(),
  actions: fc.array(action, { maxLength: 15, size: "max" }),
  pace: fc.infiniteStream(fc.nat({ max: 4 })),
  statuses: fc.constantFrom<string[]>([], ["running", "failed"], ["running", "paused", "stopped"], ["failed"]),
  isOfOneApp: fc.boolean(),
  limit: fc.integer({ min: 1, max: 4 }),
});
type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never;

interface Model {
  readonly runId: string;
  readonly app: number;
  readonly second: number;
  readonly end: (typeof ENDS)[number];
  status: string;
  expiresAt: number;
}

const at = (moment: number): string => new Date(Date.parse("2026-11-22T10:00:00.000Z") + moment * 1000).toISOString();

/** The next event in a run's life. */
const NEXT: Readonly<Record<string, EventType | undefined>> = {
  running: "run.paused",
  paused: "run.finished",
};

describe("pages over HTTP", () => {
  let service: Service;
  let clock: ManualClock;
  let interrupt: () => Promise<void> = async () => undefined;
  let cases = 0;
  beforeAll(async () => {
    clock = manualClock();
    service = await startService((dependencies) => {
      const { runs } = dependencies;
      const list: RunStore["list"] = async (query) => {
        await interrupt();
        return runs.list(query);
      };
      return { ...dependencies, runs: { ...runs, list } };
    }, clock);
  });
  afterAll(() => service.stop());

  const startWorld = async (given: Schedule) => {
    const tenant = `pager-${++cases}`;
    const runs: Model[] = [];
    const appOf = (index: number): string => `app-${index}`;
    const isMatch = (run: Model): boolean =>
      (!given.isOfOneApp || run.app === 0) && (given.statuses.length === 0 || given.statuses.includes(run.status));
    const post = async (run: Model, type: EventType, moment: number): Promise<void> => {
      const text = eventText(type, {
        run_id: run.runId,
        app_id: appOf(run.app),
        at: at(moment),
        ...(type === "run.finished" ? { status: run.end } : {}),
      });
      expect((await postEvents(service, [text], tenant)).status).toBe(200);
      run.expiresAt = clock.now() + RETENTION_MS;
    };
    const start = async (of: Pick<Model, "app" | "second" | "end">): Promise<Model> => {
      const run = {
        ...of,
        runId: `run-${String((runs.length + 1) * 7919).slice(-3)}-${runs.length}`,
        status: "running",
        expiresAt: 0,
      };
      runs.push(run);
      await post(run, "run.started", run.second);
      return run;
    };
    const move = async (run: Model): Promise<void> => {
      const type = NEXT[run.status];
      if (type === undefined || run.expiresAt <= clock.now()) return;
      await post(run, type, 10);
      run.status = type === "run.paused" ? "paused" : run.end;
    };
    for (let index = 0; index < 3; index++) {
      const settings = v.parse(AppSettingsBody, { write_shards: given.shards });
      const place = { tenantId: runKey(tenant, "any").tenantId, appId: v.parse(AppId, appOf(index)) };
      await service.dependencies.settings.put(place, settings, { version: 0, updatedAt: 0 });
    }
    for (const [index, of] of given.runs.entries()) {
      if (given.isOlderGone && index === 3) clock.advance(31 * DAY_MS);
      const run = await start(of);
      for (let moves = 0; moves < of.moves; moves++) await move(run);
    }
    const steady = new Set(runs.filter(isMatch));
    const waiting = [...given.actions];
    const touched = new Set<Model>();
    const act = async (): Promise<void> => {
      const next = given.pace.next().value === 0 ? waiting.shift() : undefined;
      if (next?.kind === "start") touched.add(await start({ ...next, end: "failed" }));
      if (next?.kind === "wait") clock.advance(next.days * DAY_MS);
      const run = next?.kind === "move" ? runs[next.which % runs.length] : undefined;
      if (run === undefined || touched.has(run)) return;
      touched.add(run);
      await move(run);
      if (!isMatch(run)) steady.delete(run);
    };
    const page = async (after: string | undefined): Promise<Reply> => {
      touched.clear();
      return service.get({
        resource: given.isOfOneApp ? "/v1/apps/{app_id}/runs" : "/v1/runs",
        ...(given.isOfOneApp ? { path: { app_id: appOf(0) } } : {}),
        tenant,
        query: {
          limit: String(given.limit),
          ...(given.statuses.length === 0 ? {} : { status: given.statuses }),
          ...(after === undefined ? {} : { cursor: after }),
        },
      });
    };
    return { steady, act, page };
  };

  test(`hold every run that was there throughout, once and in order, whatever happens meanwhile (${CASES} schedules)`, async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async (given) => {
        interrupt = async () => undefined;
        const { steady, act, page } = await startWorld(given);
        interrupt = act;

        const shown: { run_id: string; started_at: string }[] = [];
        let after: string | undefined;
        do {
          const { status, json } = await page(after);
          expect(status).toBe(200);
          if (json.has_more) expect(json.data).not.toEqual([]);
          expect(json.data.length).toBeLessThanOrEqual(given.limit);
          shown.push(...json.data);
          after = json.next_cursor ?? undefined;
          await act();
        } while (after !== undefined);
        interrupt = async () => undefined;

        const keys = shown.map((run) => `${run.started_at} ${run.run_id}`);
        expect(keys).toEqual([...new Set(keys)].sort().reverse());
        const alive = [...steady].filter((run) => run.expiresAt > clock.now()).map(({ runId }) => runId);
        const ids = shown.map((run) => run.run_id);
        expect(alive.filter((runId) => !ids.includes(runId))).toEqual([]);
      }),
      { numRuns: CASES, seed: SEED },
    );
  }, 300_000);
});
