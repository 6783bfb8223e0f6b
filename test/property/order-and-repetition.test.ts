import fc from "fast-check";
import * as v from "valibot";
import { recordArrival, recordClaim } from "../../shared/app/record/record-arrival.ts";
import { readEvent } from "../../shared/contract/event.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import { Instant } from "../../shared/contract/instant.ts";
import { digestOf, identify } from "../../shared/domain/fold/identity.ts";
import type { IdentifiedEvent } from "../../shared/domain/fold/ledger.ts";
import { headerOf } from "../../shared/domain/header.ts";
import { runKey, type Service, startService, viewOf } from "../support/service.ts";

const CASES = Number(process.env["RUNSTONE_PROPERTY_CASES"] ?? 1000);
const RUN = "run-1";

/** Few moments, so that many are equal; a claim at second 5 makes what comes after it stale. */
const at = fc.integer({ min: 0, max: 9 }).map((second) => `2026-11-22T10:00:0${second}.000Z`);
const CLAIMED_AT = "2026-11-22T10:00:05.000Z";

const payload = fc.constantFrom("null", "1.0", "1e400", "12345678901234567890", '{"b": 1,"a":"\\ud800"}', '""', "[]");
const members = (known: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<string> =>
  fc.record(known, { requiredKeys: [] }).map((chosen) =>
    Object.entries(chosen)
      .map(([name, text]) => `,${JSON.stringify(name)}:${text}`)
      .join(""),
  );

const error = fc.constantFrom(
  "null",
  '"boom"',
  '{"code": "E1"}',
  '{"code":"E1"}',
  `"${"x".repeat(1500)}"`,
  `{"code":"E2","detail":"${"z".repeat(1100)}"}`,
);
const app = fc.constantFrom('"app-1"', '"app-2"');
const metadata = fc.constantFrom(
  "null",
  '{"total_price":"0E-7","x":1.0}',
  '{"x": 1}',
  `{"tool_info":"${"y".repeat(1200)}"}`,
);

const envelope = fc
  .record({
    at,
    id: fc.constantFrom("", ',"id":"a"', ',"id":"b"'),
    epoch: fc.constantFrom("", "", "", ',"epoch":2', ',"epoch":null'),
  })
  .map((chosen) => `"run_id":"${RUN}","at":"${chosen.at}"${chosen.id}${chosen.epoch}`);

const event = (type: string, required: fc.Arbitrary<string>, optional: Record<string, fc.Arbitrary<string>>) =>
  fc
    .tuple(envelope, required, members(optional))
    .map(([head, needed, rest]) => `{"type":"${type}",${head}${needed}${rest}}`);

const none = fc.constant("");
const node = fc.constantFrom(',"node_execution_id":"n1"', ',"node_execution_id":"n2"');
const both = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(""));
const one = (field: string, ...values: string[]) => fc.constantFrom(...values).map((value) => `,"${field}":"${value}"`);
const seconds = fc.constantFrom("0", "1.5", "null");

const anyEvent = fc.oneof(
  {
    weight: 3,
    arbitrary: event(
      "run.started",
      app.map((id) => `,"app_id":${id}`),
      { inputs: payload, unknown: payload, tags: fc.constantFrom("null", '["t"]'), status: fc.constant('"sent"') },
    ),
  },
  { weight: 1, arbitrary: event("run.scheduled", none, { workflow_id: fc.constant('"w"') }) },
  {
    weight: 3,
    arbitrary: event("run.finished", one("status", "succeeded", "failed", "stopped", "partial-succeeded"), {
      app_id: app,
      outputs: payload,
      error,
      elapsed_time: seconds,
      total_tokens: fc.constantFrom("5", "null"),
    }),
  },
  { weight: 1, arbitrary: event("run.paused", none, { reasons: payload }) },
  { weight: 1, arbitrary: event("run.resumed", none, { reason: fc.constant('"form"') }) },
  { weight: 1, arbitrary: event("run.heartbeat", none, { app_id: app }) },
  {
    weight: 3,
    arbitrary: event("node.started", node, {
      app_id: app,
      node_id: fc.constant('"x"'),
      index: fc.constantFrom("1", "2"),
      inputs: payload,
      iteration_id: fc.constant('"x"'),
    }),
  },
  {
    weight: 1,
    arbitrary: event("node.checkpointed", node, { sequence: fc.constantFrom("1", "2"), process_data: payload }),
  },
  {
    weight: 2,
    arbitrary: event("node.retried", both(node, fc.constantFrom(',"retry_index":1', ',"retry_index":2')), {
      error,
      outputs: payload,
    }),
  },
  { weight: 1, arbitrary: event("node.paused", node, { node_id: payload }) },
  {
    weight: 3,
    arbitrary: event("node.finished", both(node, one("status", "succeeded", "failed", "exception")), {
      outputs: payload,
      error,
      execution_metadata: metadata,
      elapsed_time: seconds,
    }),
  },
  {
    weight: 1,
    arbitrary: event("agent.logged", both(node, one("log_id", "l1", "l2")), {
      data: payload,
      label: fc.constantFrom('"a"', '"b"'),
    }),
  },
);

/** Turns the order of an object's members round, at every depth. */
const turned = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(turned);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  );
};

/** White space and order of members that change the text of an event, and not the event. */
const respelled = (text: string): string =>
  text.includes("1e400") || text.includes("12345678901234567890")
    ? text.replace(',"at":', ' , "at" : ')
    : JSON.stringify(turned(JSON.parse(text)), null, 1);

const cases = fc.record({
  events: fc.array(anyEvent, { minLength: 1, maxLength: 9 }),
  isClaimed: fc.boolean(),
  isLost: fc.boolean(),
  order: fc.infiniteStream(fc.nat({ max: 1000 })),
  cuts: fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
  ways: fc.infiniteStream(fc.boolean()),
  repeats: fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
});

const instant = (text: string) => v.parse(Instant, text);

const serviceEvent = (key: RunKey, type: "run.claimed" | "run.finished"): IdentifiedEvent => ({
  type,
  runId: key.runId,
  at: instant(type === "run.claimed" ? CLAIMED_AT : "2026-11-22T10:00:04.000Z"),
  epoch: type === "run.claimed" ? 2 : 1,
  id: undefined,
  appId: undefined,
  digest: digestOf(type),
  fields: new Map(type === "run.claimed" ? [["holder", "worker-2"]] : [["status", "failed"]]),
  payload: [],
});

const claim = async ({ dependencies }: Service, key: RunKey): Promise<void> => {
  const receivedAt = dependencies.clock.now();
  const arrival = { ulid: dependencies.newUlid(receivedAt), receivedAt, actor: "caller", source: "runstone" } as const;
  await recordClaim(dependencies, key, {
    arrival: { ...arrival, events: [serviceEvent(key, "run.claimed")] },
    epoch: 2,
  });
};

const lose = async ({ dependencies }: Service, key: RunKey): Promise<void> => {
  const receivedAt = dependencies.clock.now();
  const arrival = { ulid: dependencies.newUlid(receivedAt), receivedAt, actor: "service", source: "runstone" } as const;
  await recordArrival(dependencies, key, { ...arrival, events: [serviceEvent(key, "run.finished")] });
};

/** Sends texts and gives back those that must wait for their epoch. */
const send = async (service: Service, key: RunKey, texts: readonly string[], isByQueue: boolean): Promise<string[]> => {
  if (!isByQueue) {
    const body = `{"events":[${texts.join(",")}]}`;
    const { json } = await service.post({ resource: "/v1/events", body, tenant: key.tenantId });
    return json.results.flatMap((result: { status: string; code?: string; index: number }) => {
      if (result.status !== "accepted") expect(result.code).toBe("UNKNOWN_EPOCH");
      return result.status === "accepted" ? [] : [texts[result.index]];
    });
  }
  const isOpen = await service.dependencies.ledger.hasClaim(key, 2);
  const ready = texts.filter((text) => isOpen || !/"epoch" ?: ?2/.test(text));
  const named = ready.map((text) => `{"tenant_id":"${key.tenantId}",${text.slice(text.indexOf("{") + 1)}`);
  if (named.length > 0) expect(await service.deliver([`[${named.join(",")}]`])).toEqual({ batchItemFailures: [] });
  return texts.filter((text) => !ready.includes(text));
};

const expectHeaderToBeFold = async (service: Service, key: RunKey): Promise<void> => {
  const { header, entries } = await service.dependencies.ledger.readAll(key);
  if (entries.length === 0) return;
  const { rev, runId, touches: _, hold: __, ...projection } = header ?? { rev: 0, runId: "", touches: 0 };
  expect(rev).toBeGreaterThan(0);
  expect(runId).toBe(key.runId);
  expect(projection).toEqual(headerOf(entries));
};

describe("the ledger", () => {
  let service: Service;
  let number = 0;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.stop());

  test(`gives the same run whatever the order, repetition and cut of its events (${CASES} cases)`, async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        number++;
        const straight = runKey(`straight-${number}`, RUN);
        const anyhow = runKey(`anyhow-${number}`, RUN);
        const events = given.isClaimed ? given.events : given.events.map((text) => text.replace(',"epoch":2', ""));

        if (given.isClaimed) await claim(service, straight);
        if (given.isLost) await lose(service, straight);
        expect(await send(service, straight, events, false)).toEqual([]);

        const spelled = events.flatMap((text) => {
          const again = Math.max(0, (given.repeats.next().value ?? 0) - 1);
          return [text, ...Array.from({ length: again }, () => respelled(text))];
        });
        type Step = { texts: string[] } | "claim" | "lose";
        const shuffled = spelled
          .map((text) => ({ text, at: given.order.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ text }) => text);
        const steps: Step[] = [];
        while (shuffled.length > 0) steps.push({ texts: shuffled.splice(0, given.cuts.next().value ?? 1) });
        const somewhere = () => (given.order.next().value ?? 0) % (steps.length + 1);
        if (given.isClaimed) steps.splice(somewhere(), 0, "claim");
        if (given.isLost) steps.splice(somewhere(), 0, "lose");

        const waiting: string[] = [];
        for (const step of steps) {
          if (step === "claim") await claim(service, anyhow);
          else if (step === "lose") await lose(service, anyhow);
          else waiting.push(...(await send(service, anyhow, step.texts, given.ways.next().value ?? false)));
          await expectHeaderToBeFold(service, anyhow);
        }
        if (waiting.length > 0) expect(await send(service, anyhow, waiting, false)).toEqual([]);
        await expectHeaderToBeFold(service, anyhow);

        // The straight run was given the plain spelling only: of equal copies the smaller text is shown.
        const view = (key: RunKey) => viewOf(service, key.runId, key.tenantId);
        if (spelled.some((text) => !events.includes(text))) {
          await send(
            service,
            straight,
            spelled.filter((text) => !events.includes(text)),
            false,
          );
        }
        expect(await view(anyhow)).toBe(await view(straight));
      }),
      { numRuns: CASES },
    );
  }, 900_000);
});

test("a respelled event is the same event", () => {
  const [text] = fc.sample(anyEvent, { numRuns: 1, seed: 7 });
  const read = (json: string) => {
    const value = JSON.parse(json) as Record<string, unknown>;
    const reading = readEvent({ text: json, value }, { now: Date.now(), isFromQueue: false });
    return reading.ok ? identify(reading.event, json).digest : undefined;
  };

  expect(read(respelled(text as string))).toBe(read(text as string));
  expect(read(text as string)).toMatch(/^[0-9a-f]{32}$/);
});
