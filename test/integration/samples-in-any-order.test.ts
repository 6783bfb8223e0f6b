import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { postEvents, type Service, startService, viewOf } from "../support/service.ts";

const root = join(__dirname, "../..");
const references = join(root, "../shared/data");

const runsIn = (path: string): Map<string, string[]> =>
  Map.groupBy(
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== ""),
    (line) => JSON.parse(line).run_id as string,
  );

/** A generator of numbers from 0 to 1 that a failed test can be repeated with. */
const randomOf = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};

const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

const fromQueue = (event: string): string => `{"tenant_id":"demo",${event.slice(event.indexOf("{") + 1)}`;

const sendByQueue = async (service: Service, events: readonly string[]): Promise<void> => {
  const { batchItemFailures } = await service.deliver([`[${events.map(fromQueue).join(",")}]`]);
  if (batchItemFailures.length > 0) throw service.logs.find(({ level }) => level === "error")?.error;
};

/** Sends events in random requests, half over HTTP and half over the queue, some of them twice. */
const sendAnyhow = async (service: Service, events: readonly string[], random: () => number): Promise<void> => {
  const left = shuffled([...events, ...events.filter(() => random() < 0.3)], random);
  while (left.length > 0) {
    const some = left.splice(0, 1 + Math.floor(random() * 20));
    if (random() < 0.5) expect((await postEvents(service, some)).status).toBe(200);
    else await sendByQueue(service, some);
  }
};

const samples = readdirSync(join(root, "events/runs")).filter((name) => name.endsWith(".ndjson"));
const files = [
  ...samples.map((name) => join(root, "events/runs", name)),
  ...["t1", "t2", "t3"].map((name) => join(references, `${name}.ndjson`)).filter((path) => existsSync(path)),
];

describe("a run whose events come in any order, repeated, over HTTP and the queue", () => {
  test.each(files.map((path) => [path.split("/").at(-1), path]))("reads the same: %s", async (_name, path) => {
    for (const [runId, events] of [...runsIn(path as string)].slice(0, 2)) {
      const inOrder = await startService();
      await postEvents(inOrder, events);
      const expected = await viewOf(inOrder, runId);
      expect(expected).toMatch(/^200 /);
      inOrder.stop();
      for (const seed of [1, 2, 3]) {
        const service = await startService();
        await sendAnyhow(service, events, randomOf(seed));
        expect(await viewOf(service, runId)).toBe(expected);
        service.stop();
      }
    }
  });
});
