import fc from "fast-check";
import { entryOf, type LedgerEntry } from "../../shared/domain/fold/ledger.ts";
import { type Member, membersIn } from "../../shared/domain/fold/member.ts";
import { compareRank } from "../../shared/domain/fold/rank.ts";
import { foldRun, foldRunCore } from "../../shared/domain/fold/run-fold.ts";
import {
  anyEvents,
  anySent,
  arrivalOf,
  by,
  claimed,
  instant,
  ledger,
  lost,
  members,
  run,
  type Sent,
  sent,
  shown,
  viewOfState,
} from "../support/builders.ts";
import { json } from "../support/event-text.ts";

const statusOf = (...events: readonly Sent[]) => run(...events).status;

describe("the event that decides a run", () => {
  it("is of the highest epoch, whatever its time", () => {
    const ended = sent("run.finished", { status: "failed", at: 4 });
    const paused = sent("run.paused", { epoch: 2, at: 1 });

    expect(statusOf(ended, claimed(2, 5), paused)).toBe("paused");
  });

  it("is not the claim as soon as its epoch has any other", () => {
    expect(statusOf(sent("run.started"), claimed(2, 5), sent("run.scheduled", { epoch: 2, at: 1 }))).toBe("scheduled");
  });

  it("is the claim where it stands alone: the run reads running again", () => {
    const ended = sent("run.finished", { status: "failed", at: 4 });

    expect(statusOf(sent("run.started"), ended)).toBe("failed");
    expect(statusOf(sent("run.started"), ended, claimed(2, 5))).toBe("running");
    expect(run(ended, claimed(2, 5))).toMatchObject({ epoch: 2, isIncomplete: false });
  });

  it("is a terminal one before any other, however late the other", () => {
    expect(statusOf(sent("run.finished", { status: "stopped", at: 1 }), sent("run.resumed", { at: 9 }))).toBe(
      "stopped",
    );
  });

  it.each(["engine", "caller"] as const)("is the %s's end before the service's own, however late", (actor) => {
    const end = by(actor, sent("run.finished", { at: 60 }));

    expect(statusOf(lost(5))).toBe("failed");
    expect(statusOf(lost(5), end)).toBe("succeeded");
  });

  it("is the earlier one of two ends", () => {
    const [early, late] = [sent("run.finished", { at: 3 }), sent("run.finished", { status: "failed", at: 4 })];

    expect(statusOf(late, early)).toBe("succeeded");
  });

  it("is the earlier one of two ends of the service", () => {
    expect(run(lost(6), lost(5)).finishedAt).toBe(instant(5));
  });

  it("is the one with the smaller id of two ends at one moment", () => {
    const [a, b] = [sent("run.finished", { id: "a" }), sent("run.finished", { id: "b", status: "failed" })];

    expect(statusOf(b, a)).toBe("succeeded");
    expect(run(b, a).deciding?.id).toBe("a");
  });

  it("is the one with the smaller digest of two ends with one id", () => {
    const ends = [sent("run.finished", { id: "a" }), sent("run.finished", { id: "a", status: "failed" })];

    const digests = ends.map(({ event }) => event.digest).sort();
    expect(run(...ends).deciding?.digest).toBe(digests[0]);
  });

  it("is the later one of those that end nothing", () => {
    expect(statusOf(sent("run.started", { at: 2 }), sent("run.scheduled", { at: 3 }))).toBe("scheduled");
  });

  it.each([
    ["run.started", "run.scheduled", "running"],
    ["run.paused", "run.started", "paused"],
    ["run.resumed", "run.paused", "running"],
  ] as const)("at one moment is %s rather than %s", (winner, loser, status) => {
    expect(run(sent(winner), sent(loser))).toMatchObject({ status, deciding: { type: winner } });
    expect(run(sent(loser), sent(winner))).toMatchObject({ status, deciding: { type: winner } });
  });

  it("is the one with the greater id, then digest, of those alike", () => {
    const [a, b] = [sent("run.paused", { id: "a", x: 1 }), sent("run.paused", { id: "b", x: 2 })];
    const twins = [sent("run.paused", { id: "a", x: 1 }), sent("run.paused", { id: "a", x: 2 })];

    expect(run(b, a).deciding?.id).toBe("b");
    expect(run(...twins).deciding?.digest).toBe(
      twins
        .map(({ event }) => event.digest)
        .sort()
        .at(-1),
    );
  });

  it.each(["run.heartbeat", "node.started", "node.finished", "agent.logged", "edge.taken", "edge.skipped"] as const)(
    "is never %s: alone it leaves the run running and incomplete",
    (type) => {
      expect(run(sent(type))).toMatchObject({ status: "running", isIncomplete: true, deciding: undefined });
      expect(statusOf(sent("run.paused", { at: 1 }), sent(type, { at: 9 }))).toBe("paused");
    },
  );

  it.each(["run.scheduled", "run.started", "run.paused", "run.resumed", "run.finished"] as const)(
    "makes a run complete, even %s alone",
    (type) => {
      expect(run(sent(type)).isIncomplete).toBe(false);
    },
  );

  it("is none in an empty ledger", () => {
    expect(run()).toMatchObject({ status: "running", isIncomplete: true, epoch: 1, nodes: [], distinctEvents: 0 });
  });
});

describe("a stale event", () => {
  const started = sent("run.started");

  it("is of an ended epoch and happened after the claim: a worker that was given up changes nothing", () => {
    const state = run(started, claimed(2, 5), sent("run.finished", { at: 6, outputs: "late" }));

    expect(state).toMatchObject({ status: "running", finishedAt: undefined });
    expect(shown(state, "outputs")).toBeUndefined();
    expect(state.distinctEvents).toBe(3);
  });

  it("shows none of its fields", () => {
    const state = run(started, claimed(2, 5), sent("run.paused", { at: 6, note: "late" }));

    expect(shown(state, "note")).toBeUndefined();
  });

  it("is not one of the same moment as the claim", () => {
    expect(shown(run(started, claimed(2, 5), sent("run.paused", { at: 5, note: 1 })), "note")).toBe("1");
  });

  it("is not one of the claim's own epoch, before it or after", () => {
    expect(statusOf(started, claimed(2, 5), sent("run.finished", { epoch: 2, at: 4 }))).toBe("succeeded");
    expect(statusOf(started, claimed(2, 5), sent("run.finished", { epoch: 2, at: 9 }))).toBe("succeeded");
  });

  it("can be of any epoch before any claim", () => {
    const late = sent("run.finished", { epoch: 2, at: 9, note: 1 });

    expect(shown(run(started, claimed(2, 5), claimed(3, 8), late), "note")).toBeUndefined();
    expect(shown(run(started, claimed(3, 8), sent("run.paused", { at: 9, note: 1 })), "note")).toBeUndefined();
  });

  it("gives a run no start", () => {
    expect(run(claimed(2, 5), sent("run.started", { at: 6 })).startedAt).toBeUndefined();
  });
});

describe("a run shows", () => {
  it("outputs, error, times, tokens, steps and exceptions of the end that decides", () => {
    const state = run(
      sent("run.started"),
      sent("run.finished", {
        at: 9,
        status: "partial-succeeded",
        outputs: json('{"n": 1.0}'),
        error: json('{"code":"E1"}'),
        elapsed_time: 7.5,
        total_tokens: 10,
        total_steps: 3,
        exceptions_count: 1,
      }),
    );

    expect(state).toMatchObject({ status: "partial-succeeded", elapsedTime: 7.5, finishedAt: instant(9) });
    expect(state.error).toEqual(json('{"code":"E1"}'));
    expect(["outputs", "total_tokens", "total_steps", "exceptions_count"].map((name) => shown(state, name))).toEqual([
      '{"n": 1.0}',
      "10",
      "3",
      "1",
    ]);
  });

  it("them as one unit: what the deciding end lacks, a losing one does not give", () => {
    const bare = sent("run.finished", { at: 1 });
    const rich = sent("run.finished", {
      at: 2,
      status: "failed",
      outputs: 1,
      error: "boom",
      elapsed_time: 9,
      total_tokens: 10,
      total_steps: 3,
      exceptions_count: 1,
    });
    const state = run(bare, rich);

    expect(state).toMatchObject({ status: "succeeded", error: null, elapsedTime: undefined });
    for (const name of ["outputs", "error", "total_tokens", "total_steps", "exceptions_count"]) {
      expect(shown(state, name)).toBeUndefined();
    }
  });

  it("none of them while it is open, though a pause has outputs", () => {
    const state = run(sent("run.started"), sent("run.paused", { at: 1, outputs: 1, reasons: [] }));

    expect(state).toMatchObject({ error: null, elapsedTime: undefined, finishedAt: undefined });
    expect(shown(state, "outputs")).toBeUndefined();
    expect(shown(state, "reasons")).toBe("[]");
  });

  it("none of them of an end that a claim has overruled", () => {
    const state = run(sent("run.finished", { status: "failed", error: "boom", outputs: 1, at: 1 }), claimed(2, 5));

    expect(state).toMatchObject({ status: "running", error: null, finishedAt: undefined, elapsedTime: undefined });
    expect(shown(state, "outputs")).toBeUndefined();
  });

  it("every other field of the highest-ranked event that has it", () => {
    const scheduled = sent("run.scheduled", { workflow_id: "w1", workflow_version: "v1", inputs: 1, at: 0 });
    const started = sent("run.started", { workflow_id: "w2", inputs: json("2.0"), at: 1 });
    const paused = sent("run.paused", { workflow: "x", at: 2 });
    const state = run(scheduled, started, paused);

    expect(["workflow_id", "workflow_version", "inputs", "workflow"].map((name) => shown(state, name))).toEqual([
      '"w2"',
      '"v1"',
      "2.0",
      '"x"',
    ]);
  });

  it("and passes over null", () => {
    const scheduled = sent("run.scheduled", { workflow_id: "w1", inputs: 1, note: 1 });
    const started = sent("run.started", { workflow_id: null, inputs: null, note: json(" null ".trim()), at: 1 });
    const state = run(scheduled, started);

    expect(["workflow_id", "inputs", "note"].map((name) => shown(state, name))).toEqual(['"w1"', "1", "1"]);
  });

  it("an unknown field of its end, but not of an end that lost", () => {
    const [kept, other] = [sent("run.finished", { at: 1, a: 1 }), sent("run.finished", { at: 2, a: 2, b: 2 })];
    const state = run(kept, other);

    expect(shown(state, "a")).toBe("1");
    expect(shown(state, "b")).toBeUndefined();
  });

  it("unknown fields, also where another type of event knows a field of that name", () => {
    const names = ["title", "metadata", "label", "index", "node_id", "sequence"];
    const state = run(sent("run.started", Object.fromEntries(names.map((name) => [name, 1]))));

    expect(names.filter((name) => shown(state, name) === undefined)).toEqual([]);
  });

  it("payload exactly as it arrived", () => {
    const text = '{ "b":12345678901234567890, "a":1.0, "c":"\\u00e9", "d":1e400 }';

    expect(shown(run(sent("run.started", { inputs: json(text) })), "inputs")).toBe(text);
  });

  it("the smaller text of equal copies, in whatever order they came", () => {
    const copies = ['{"a": 1}', '{"a":1}', '{"a":1.0}'].map((text) => sent("run.started", { inputs: json(text) }));

    expect(run(...copies).distinctEvents).toBe(1);
    expect(shown(run(...copies), "inputs")).toBe('{"a":1}');
    expect(shown(run(...copies.reverse()), "inputs")).toBe('{"a":1}');
  });

  it("the smaller text of an error and of metadata too", () => {
    const copies = ['{"a": 1}', '{"a":1}', '{"a":1.0}'].map(json);
    const ends = copies.map((error) => sent("run.finished", { error }));
    const nodes = copies.map((value) => sent("node.finished", { execution_metadata: { key: value } }));

    for (const state of [run(...ends, ...nodes), run(...ends.toReversed(), ...nodes.toReversed())]) {
      expect(state.error).toEqual(json('{"a":1}'));
      expect(state.nodes.map((node) => shown(node, "execution_metadata", "key"))).toEqual(['{"a":1}']);
    }
  });

  it("the earliest start and the end that decides, and takes the time between where the end does not say", () => {
    const starts = [sent("run.started", { at: 3 }), sent("run.started", { at: 1 }), sent("run.scheduled", { at: 0 })];
    const state = run(...starts, sent("run.finished", { at: 4.5, elapsed_time: null }));

    expect(state).toMatchObject({ startedAt: instant(1), finishedAt: instant(4.5), elapsedTime: 3.5 });
  });

  it("the time that its end says, even none at all", () => {
    expect(run(sent("run.started"), sent("run.finished", { at: 9, elapsed_time: 0 })).elapsedTime).toBe(0);
  });

  it("no time where the start is missing and the end does not say", () => {
    expect(run(sent("run.finished", { at: 9 }))).toMatchObject({ startedAt: undefined, elapsedTime: undefined });
  });

  it("no time below none where clocks disagree", () => {
    expect(run(sent("run.started", { at: 9 }), sent("run.finished", { at: 1 })).elapsedTime).toBe(0);
  });

  it("the app of the highest-ranked event that names one", () => {
    const started = sent("run.started", { app_id: "app-1" });

    expect(run(started, sent("run.paused", { at: 1 })).appId).toBe("app-1");
    expect(run(started, sent("run.paused", { at: 1, app_id: "app-2" })).appId).toBe("app-2");
  });

  it("no app of an end that lost", () => {
    const [kept, other] = [sent("run.finished", { at: 1 }), sent("run.finished", { at: 2, app_id: "app-2" })];

    expect(run(sent("run.started", { app_id: "app-1" }), kept, other).appId).toBe("app-1");
  });

  it("an app that its nodes name, until an event of its own does", () => {
    const [one, two] = [sent("node.started", { app_id: "app-1" }), sent("run.heartbeat", { app_id: "app-2" })];

    expect(run(two, one).appId).toBe("app-1");
    expect(run(two, one, sent("run.started", { app_id: "app-3" })).appId).toBe("app-3");
  });

  it("its epoch and claim", () => {
    expect(run(sent("run.started"))).toMatchObject({ epoch: 1, claim: undefined });
    expect(run(claimed(3, 8), claimed(2, 5))).toMatchObject({ epoch: 3, claim: { epoch: 3 } });
  });
});

describe("the set of events", () => {
  it("holds a repeated event once, with an id or without", () => {
    const [named, plain] = [sent("run.started", { id: "e1" }), sent("run.paused")];

    expect(run(named, plain, named, plain).distinctEvents).toBe(2);
  });

  it("holds one id with several digests, or several types, as many members", () => {
    const paused = [sent("run.paused", { id: "e1", x: 1 }), sent("run.paused", { id: "e1", x: 2 })];

    expect(run(...paused, sent("run.resumed", { id: "e1" })).distinctEvents).toBe(3);
  });

  it("holds one event under two ids twice", () => {
    expect(run(sent("run.paused", { id: "a" }), sent("run.paused", { id: "b" })).distinctEvents).toBe(2);
  });

  it("takes an engine's copy of an event for the engine's, whoever else sent it", () => {
    const end = sent("run.finished", { id: "e1", status: "failed", at: 1 });
    const other = sent("run.finished", { at: 2 });

    expect(statusOf(by("service", end), other)).toBe("succeeded");
    expect(statusOf(by("service", end), end, other)).toBe("failed");
    expect(statusOf(end, by("service", end), other)).toBe("failed");
  });

  it("does not change when an event that names a key of its metadata twice comes again", () => {
    const [x, y] = ["x", "y"].map((letter) => `"${letter.repeat(2000)}"`);
    const metadata = json(`{"tool":${y},"tool":${x}}`);
    const event = sent("node.finished", { execution_metadata: metadata });
    const toolOf = (...events: readonly Sent[]) =>
      run(...events).nodes.map((node) => shown(node, "execution_metadata", "tool")?.slice(0, 4));

    expect(toolOf(event, event)).toEqual(toolOf(event));
    expect(toolOf(event)).toEqual(['"xxx']);
  });
});

/** Delivers events somehow: in an order, some again, cut into entries of one speaker each. */
const anyhow = (events: readonly Sent[]) =>
  fc
    .record({
      order: fc.shuffledSubarray([...events], { minLength: events.length, maxLength: events.length }),
      again: fc.subarray([...events]),
      cuts: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    })
    .map(({ order, again, cuts }): LedgerEntry[] => {
      const groups: Sent[][] = [];
      for (const [index, event] of [...order, ...again].entries()) {
        const last = groups.at(-1);
        if (last === undefined || cuts[index] || last[0]?.actor !== event.actor) groups.push([event]);
        else last.push(event);
      }
      return groups.map((group, index) =>
        entryOf(
          arrivalOf(
            group.map(({ event }) => event),
            { actor: group[0]?.actor ?? "engine", receivedAt: index },
          ),
        ),
      );
    });

describe("the fold", () => {
  it("does not depend on order, repetition, or the way events are cut into entries", () => {
    fc.assert(
      fc.property(
        anyEvents.chain((events) => fc.tuple(fc.constant(events), anyhow(events))),
        ([events, entries]) => {
          expect(viewOfState(foldRun(entries))).toEqual(viewOfState(run(...events)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("is the same after a part of the ledger is replayed", () => {
    fc.assert(
      fc.property(anyEvents, fc.nat({ max: 12 }), (events, length) => {
        const prefix = ledger(...events.slice(0, length));
        const rest = ledger(...events.slice(length));

        const all = viewOfState(run(...events));
        expect(viewOfState(foldRun([...prefix, ...rest]))).toEqual(all);
        expect(viewOfState(foldRun([...rest, ...prefix, ...ledger(...events.slice(0, length))]))).toEqual(all);
      }),
    );
  });

  it("gives a header's view the same run as the whole", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const entries = ledger(...events);
        const { nodes: _nodes, agentLogs: _logs, conflicts: _conflicts, distinctEvents: _, ...core } = foldRun(entries);
        expect(foldRunCore(membersIn(entries))).toEqual(core);
      }),
    );
  });

  it("absorbs: once a run has ended, nothing of the same epoch that is no end changes how", () => {
    const end = fc.constantFrom("succeeded", "failed", "stopped", "partial-succeeded");
    const later = fc
      .array(anySent, { maxLength: 8 })
      .map((events) => events.filter(({ event }) => event.epoch === 1 && event.type !== "run.finished"));
    fc.assert(
      fc.property(end, later, (status, events) => {
        const ended = sent("run.finished", { status, at: 3, elapsed_time: 2, outputs: 1, error: "e", total_tokens: 4 });

        const state = run(ended, ...events);
        expect(state).toMatchObject({ status, finishedAt: instant(3), elapsedTime: 2, error: json('"e"') });
        expect([shown(state, "outputs"), shown(state, "total_tokens")]).toEqual(["1", "4"]);
      }),
    );
  });
});

describe("rank", () => {
  const ranked = fc.oneof(
    anySent.filter(({ event }) => event.type.startsWith("run.") && event.type !== "run.heartbeat"),
    fc.nat({ max: 6 }).map((second) => lost(second)),
    fc.constantFrom(2, 3).map((epoch) => claimed(epoch, 5)),
  );
  const ofNode = anySent.filter(({ event }) => event.type.startsWith("node."));

  it.each([
    ["a run", ranked],
    ["a node execution", ofNode],
  ])("is a total order of the events of %s", (_name, any) => {
    fc.assert(
      fc.property(fc.array(any, { minLength: 3, maxLength: 6 }), (events) => {
        const all = members(...events);
        const pairs = all.flatMap((a) => all.map((b) => [a, b] as const));
        const isAbove = (a: Member, b: Member) => compareRank(a, b) > 0;

        const tied = pairs.filter(([a, b]) => (a === b) !== (compareRank(a, b) === 0));
        const symmetric = pairs.filter(([a, b]) => isAbove(a, b) && !(compareRank(b, a) < 0));
        const circular = pairs.filter(([a, b]) => isAbove(a, b) && all.some((c) => isAbove(b, c) && !isAbove(a, c)));
        expect({ tied, symmetric, circular }).toEqual({ tied: [], symmetric: [], circular: [] });
      }),
      { numRuns: 500 },
    );
  });
});
