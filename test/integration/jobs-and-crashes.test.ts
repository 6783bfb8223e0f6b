import { jobWorld } from "../support/job-world.ts";
import { randomNumbers } from "../support/random-runs.ts";

const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `run-${String(at).padStart(3, "0")}`);
const RUNS = ids(30);
/** A run that nobody has recorded, and so nobody deletes. */
const OTHER = "run-other";
const DELETE = { kind: "delete_runs" } as const;
const EXPORT = { kind: "export", hasEvents: true, hasPayload: true } as const;

/** So many calls does a job make, in slices of so many looks at the time. */
const callsOf = async (task: typeof DELETE | typeof EXPORT, slices: () => number): Promise<number> => {
  const world = jobWorld({ slices });
  await world.record(RUNS);
  await world.refuse([...RUNS, OTHER]);
  await world.start(task);
  world.points.begin();
  await world.deliver();
  return world.points.calls;
};

describe.each([
  ["in one slice", () => Number.POSITIVE_INFINITY],
  ["in slices", () => 18],
])("a worker that is stopped at any of its calls, %s,", (_how, slices) => {
  test("deletes every run in the end, and counts each once, and what waits for them in quarantine", async () => {
    const calls = await callsOf(DELETE, slices);
    for (let at = 1; at <= calls; at++) {
      for (const moment of ["before", "after"] as const) {
        const world = jobWorld({ slices });
        await world.record(RUNS);
        await world.refuse([...RUNS, OTHER]);
        const id = await world.start(DELETE);
        world.points.begin(at, moment);

        await world.deliver();

        const job = await world.jobOf(id);
        expect([at, moment, job.standing.state, await world.leftOf(RUNS)]).toEqual([at, moment, "done", []]);
        expect(job.counts).toMatchObject({ deleted: RUNS.length, onHold: 0, failed: 0 });
        expect(await world.refusedOf()).toEqual([OTHER]);
        expect([...world.audit.values()]).toMatchObject([{ details: { state: "done", deleted: RUNS.length } }]);
      }
    }
  });

  test("exports every run in the end, each once, and the end", async () => {
    const calls = await callsOf(EXPORT, slices);
    for (let at = 1; at <= calls; at++) {
      for (const moment of ["before", "after"] as const) {
        const world = jobWorld({ slices });
        await world.record(RUNS);
        const id = await world.start(EXPORT);
        world.points.begin(at, moment);

        await world.deliver();

        const job = await world.jobOf(id);
        expect([at, moment, job.standing.state]).toEqual([at, moment, "done"]);
        expect(await world.exportedBy(id)).toEqual([...RUNS].reverse().concat("end"));
        expect(job.counts).toEqual({ runs: RUNS.length, nodes: 0, events: 2 * RUNS.length });
      }
    }
  });
});

describe("a deletion that is cancelled at any moment", () => {
  test("leaves nothing in quarantine for the runs that it has deleted", async () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const random = randomNumbers(seed);
      const world = jobWorld({ slices: () => 3 + Math.floor(random() * 20), pause: () => Math.floor(random() * 4) });
      await world.record(RUNS);
      await world.refuse(RUNS);
      const id = await world.start(DELETE);
      const turns = Math.floor(random() * 3000);
      const cancelLater = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn++) await undefined;
        await world.cancel(id);
      };

      await Promise.all([world.deliver(), cancelLater()]);

      const { standing, counts } = await world.jobOf(id);
      ends.add(standing.state);
      const left = (await world.leftOf(RUNS)).map((run) => run.split(":")[0]);
      expect([seed, await world.refusedOf()]).toEqual([seed, left]);
      const deleted = RUNS.length - left.length;
      expect([seed, counts]).toEqual([seed, expect.objectContaining({ deleted, quarantined: deleted })]);
    }
    expect([...ends].sort()).toEqual(["cancelled", "done"]);
  });
});

describe("two workers with the same job at a time", () => {
  const seeds = Array.from({ length: 100 }, (_, seed) => seed);

  test("delete every run, and count each once, and what waits for them in quarantine", async () => {
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      const world = jobWorld({
        slices: () => 5 + Math.floor(random() * 60),
        pause: () => Math.floor(random() * 4),
      });
      await world.record(RUNS);
      await world.refuse([...RUNS, OTHER]);
      const id = await world.start(DELETE);
      world.repeat();

      await world.deliver();

      const job = await world.jobOf(id);
      expect([seed, job.standing.state, await world.leftOf(RUNS)]).toEqual([seed, "done", []]);
      expect([seed, job.counts]).toEqual([seed, expect.objectContaining({ deleted: RUNS.length })]);
      expect([seed, await world.refusedOf()]).toEqual([seed, [OTHER]]);
    }
  });

  test("export every run once", async () => {
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      const world = jobWorld({
        slices: () => 5 + Math.floor(random() * 60),
        pause: () => Math.floor(random() * 4),
      });
      await world.record(RUNS);
      const id = await world.start(EXPORT);
      world.repeat();

      await world.deliver();

      expect([seed, await world.exportedBy(id)]).toEqual([seed, [...RUNS].reverse().concat("end")]);
    }
  });
});
