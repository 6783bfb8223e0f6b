import fc from "fast-check";
import { entryOf, type LedgerEntry } from "../../shared/domain/fold/ledger.ts";
import { foldRun } from "../../shared/domain/fold/run-fold.ts";
import type { Header, HeaderFinish } from "../../shared/domain/header.ts";
import { finishOf, headerOf, isSameHeader, rowOf, standsFor } from "../../shared/domain/header.ts";
import { anyEvents, arrivalOf, claimed, instant, ledger, lost, type Sent, sent } from "../support/builders.ts";
import { json } from "../support/event-text.ts";

const header = (...events: readonly Sent[]): Header => headerOf(ledger(...events));
const entry = (...events: readonly Sent[]): LedgerEntry => entryOf(arrivalOf(events.map(({ event }) => event)));

const started = sent("run.started", { at: 1 });
const finished = sent("run.finished", { at: 4, app_id: "app-1", elapsed_time: 3 });

/** What a store makes of a started header and a plain finish. */
const joined = (present: Header, finish: HeaderFinish): Header => ({
  ...present,
  phase: "ended",
  seenFinish: finish.seenFinish,
  expiresAt: finish.expiresAt,
  row: {
    ...present.row,
    status: finish.row.status,
    finishedAt: finish.row.finishedAt,
    elapsedTime: finish.row.elapsedTime,
    totalTokens: finish.row.totalTokens,
    totalSteps: finish.row.totalSteps,
    exceptionsCount: finish.row.exceptionsCount,
    error: finish.row.error,
  },
});

describe("a header's row", () => {
  it("shows the light run of its fold", () => {
    const { row } = header(
      sent("run.started", {
        at: 1,
        workflow_id: "w1",
        workflow_version: "v1",
        workflow_type: "chat",
        triggered_from: "webhook",
        created_by: "alice",
        created_by_role: "account",
        parent_run_id: "run-0",
        tags: ["a", "b"],
      }),
      sent("run.finished", {
        at: 4,
        status: "failed",
        error: "boom",
        elapsed_time: 2.5,
        total_tokens: 10,
        total_steps: 3,
        exceptions_count: 1,
      }),
    );

    expect(row).toEqual({
      status: "failed",
      isIncomplete: false,
      epoch: 1,
      appId: "app-1",
      startedAt: instant(1),
      finishedAt: instant(4),
      elapsedTime: 2.5,
      workflowId: "w1",
      workflowVersion: "v1",
      workflowType: "chat",
      triggeredFrom: "webhook",
      createdBy: "alice",
      createdByRole: "account",
      parentRunId: "run-0",
      tags: ["a", "b"],
      totalTokens: 10,
      totalSteps: 3,
      exceptionsCount: 1,
      error: "boom",
    });
  });

  it("shows what is not there as undefined, and no tags", () => {
    const { row } = header(sent("node.started"));

    expect(row).toMatchObject({ status: "running", isIncomplete: true, epoch: 1, tags: [] });
    expect(row).toMatchObject({
      startedAt: undefined,
      workflowId: undefined,
      totalTokens: undefined,
      error: undefined,
    });
  });

  it("leaves the time that its end does not say to those who show it", () => {
    expect(header(started, sent("run.finished", { at: 4 })).row).toMatchObject({
      startedAt: instant(1),
      finishedAt: instant(4),
      elapsedTime: undefined,
    });
  });

  it("shows a text error as text and an object as JSON, the first 200 characters", () => {
    const errorOf = (error: string) => header(sent("run.finished", { status: "failed", error: json(error) })).row.error;

    expect(errorOf('"b\\u006fom"')).toBe("boom");
    expect(errorOf('{"code": "E1"}')).toBe('{"code":"E1"}');
    expect(errorOf(JSON.stringify("x".repeat(500)))).toBe("x".repeat(200));
    expect(errorOf(JSON.stringify("x".repeat(5000)))).toBe("x".repeat(200));
    expect(errorOf("null")).toBeUndefined();
  });

  it("shows an error that is written differently in one way, whichever copy came first", () => {
    const copies = ['{"code": "E1"}', '{"code":"E1"}'].map((error) => sent("run.finished", { error: json(error) }));

    expect(header(...copies)).toEqual(header(...copies.slice(0, 1)));
    expect(header(...copies)).toEqual(header(...copies.slice(1)));
  });

  it("stays under 1 KB whatever comes in", () => {
    const [word, id] = ["字".repeat(256), "i".repeat(128)];
    const { row } = header(
      sent("run.started", {
        app_id: id,
        workflow_id: id,
        workflow_version: word,
        workflow_type: word,
        triggered_from: word,
        created_by: word,
        parent_run_id: id,
        tags: Array.from({ length: 20 }, () => word),
      }),
      sent("run.finished", { error: word, at: 1 }),
    );

    const bytes = Object.values(row).reduce<number>((sum, value) => sum + Buffer.byteLength(String(value ?? "")), 0);
    expect(bytes).toBeLessThan(1024);
  });

  it("is the fold's", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const entries = ledger(...events, started);
        expect(headerOf(entries).row).toEqual(rowOf(foldRun(entries)));
      }),
    );
  });
});

describe("a header's place in lists", () => {
  it("is its start", () => {
    expect(header(started, finished).listedAt).toBe(instant(1));
  });

  it("is its first receipt while the start is missing", () => {
    const entries = [7, 5, 6].map((receivedAt) => entryOf(arrivalOf([sent("node.started").event], { receivedAt })));

    expect(headerOf(entries).listedAt).toBe(instant(5));
  });
});

describe("a header's phase", () => {
  it.each<[string, Sent[], string]>([
    ["one plain start", [started], "started"],
    ["a start, nodes and signs of life", [started, sent("node.started"), sent("run.heartbeat")], "started"],
    ["the same start twice", [started, started], "started"],
    ["a start and an end", [started, finished], "ended"],
    ["an end alone", [finished], "folded"],
    ["nodes alone", [sent("node.started")], "folded"],
    ["two starts", [started, sent("run.started", { at: 2 })], "folded"],
    ["a start and two ends", [started, finished, sent("run.finished", { at: 9 })], "folded"],
    ["a pause", [started, sent("run.paused", { at: 2 })], "folded"],
    ["a schedule", [sent("run.scheduled"), started], "folded"],
    ["a claim", [started, claimed(2, 3)], "folded"],
    ["a start of a later epoch", [sent("run.started", { epoch: 2 })], "folded"],
  ])("of %s", (_name, events, phase) => {
    expect(header(...events).phase).toBe(phase);
  });
});

describe("a finish without reading", () => {
  it("makes of a started header what the fold of both is", () => {
    const finish = fc
      .record(
        {
          at: fc.integer({ min: 0, max: 9 }),
          status: fc.constantFrom("succeeded", "failed", "stopped", "partial-succeeded"),
          elapsed_time: fc.constantFrom(0, 1.5),
          error: fc.constantFrom("null", '"boom"', '{"a": 1}', JSON.stringify("x".repeat(3000))).map(json),
          total_tokens: fc.nat(),
          total_steps: fc.nat(),
          exceptions_count: fc.nat(),
          workflow_id: fc.constant("other"),
          tags: fc.constant(["t"]),
          outputs: fc.constant(1),
        },
        { requiredKeys: ["at"] },
      )
      .map((saying) => sent("run.finished", { app_id: "app-1", ...saying }));
    const start = fc
      .record(
        { at: fc.integer({ min: 0, max: 9 }), workflow_id: fc.constant("w"), total_tokens: fc.nat() },
        { requiredKeys: [] },
      )
      .map((saying) => sent("run.started", saying));
    fc.assert(
      fc.property(start, finish, fc.boolean(), (first, last, isLost) => {
        const [begun, ended] = [
          entry(first),
          entryOf({ ...arrivalOf([last.event], { receivedAt: 7 }), actor: isLost ? "service" : "engine" }),
        ];

        const change = finishOf(ended);
        expect(change && joined(headerOf([begun]), change)).toEqual(headerOf([begun, ended]));
      }),
    );
  });

  it("is found among nodes and signs of life that came with it", () => {
    expect(finishOf(entry(sent("node.finished"), finished, sent("run.heartbeat")))?.row.status).toBe("succeeded");
  });

  it.each<[string, Sent[]]>([
    ["a finish that does not say whose the run is", [sent("run.finished", { elapsed_time: 1 })]],
    ["a finish of a later epoch", [sent("run.finished", { app_id: "app-1", elapsed_time: 1, epoch: 2 })]],
    ["two finishes", [finished, sent("run.finished", { app_id: "app-1", elapsed_time: 1, at: 9 })]],
    ["a finish with a start", [started, finished]],
    ["a pause", [sent("run.paused")]],
    ["nodes", [sent("node.finished")]],
  ])("is not possible for %s", (_name, events) => {
    expect(finishOf(entry(...events))).toBeUndefined();
  });
});

describe("what a header stands for", () => {
  const other = sent("run.finished", { at: 9, app_id: "app-1", elapsed_time: 3 });

  it("is its start and its end, and any sign of life", () => {
    const both = header(started, finished);

    for (const events of [
      [started],
      [finished],
      [started, finished],
      [started, sent("node.started")],
      [sent("run.heartbeat")],
    ]) {
      expect(standsFor(both, entry(...events))).toBe(true);
    }
    expect(standsFor(both, entry(other))).toBe(false);
    expect(standsFor(header(started), entry(finished))).toBe(false);
    expect(standsFor(both, entry(finished, other))).toBe(false);
  });

  it("cannot be told of a folded one without the ledger", () => {
    expect(standsFor(header(finished), entry(finished))).toBe(false);
  });

  it("is the same for the same events in any order, however often they came", () => {
    const events = [started, finished, other, claimed(2, 9), lost(3)];

    expect(isSameHeader(header(...events), header(...events.toReversed(), started, finished))).toBe(true);
    for (const missing of events) {
      expect(isSameHeader(header(...events), header(...events.filter((event) => event !== missing)))).toBe(false);
    }
  });

  it("is another with another end", () => {
    expect(isSameHeader(header(started, finished), header(started, other))).toBe(false);
  });

  it("is another with the app of its nodes, while its own events tell none", () => {
    const [one, two] = ["app-1", "app-2"].map((app_id) => sent("node.started", { app_id, at: 3 })) as [Sent, Sent];

    expect(isSameHeader(header(two), header(two, one))).toBe(false);
    expect(isSameHeader(header(started, two), header(started))).toBe(true);
  });

  it("is not changed by nodes, heartbeats, logs or edges", () => {
    const quiet = (["node.started", "run.heartbeat", "agent.logged", "edge.taken"] as const).map((type) => sent(type));

    expect(isSameHeader(header(started), header(started, ...quiet))).toBe(true);
    expect(header(started, ...quiet)).toEqual(header(started));
  });

  it("tells the service's own end from the same one said by an engine", () => {
    const byService = headerOf([entryOf({ ...arrivalOf([finished.event]), actor: "service" })]);
    const byEngine = headerOf([entryOf(arrivalOf([finished.event]))]);

    expect(byEngine.seen).not.toBe(byService.seen);
  });
});
