import { MARKED, redactedAmong, redactionMark } from "../../shared/contract/redaction.ts";
import { attemptsOf } from "../../shared/domain/fold/attempts.ts";
import { entryOf } from "../../shared/domain/fold/ledger.ts";
import { membersIn } from "../../shared/domain/fold/member.ts";
import { arrivalOf, claimed, node, run, type Saying, type Sent, sent } from "../support/builders.ts";
import { expectRoundTrip, nodeStarted, runOf, wordsOf } from "../support/packed-events.ts";

/** An event of which these fields were redacted. */
const marked = <E extends { readonly fields: Sent["event"]["fields"] }>(event: E, ...fields: string[]): E => ({
  ...event,
  fields: new Map([...event.fields, ...fields.map((name) => [redactionMark(name), MARKED] as const)]),
});
const redacted = (type: Parameters<typeof sent>[0], saying: Saying, ...fields: string[]): Sent => {
  const { actor, event } = sent(type, saying);
  return { actor, event: marked(event, ...fields) };
};

const ofNode = (...events: readonly Sent[]): string[] => redactedAmong(node(...events).fields);
const ofRun = (...events: readonly Sent[]): string[] => redactedAmong(run(...events).fields);

describe("marks of redacted fields", () => {
  it("come out of an entry as they went in, in every form that an entry is kept in", () => {
    const names = ["inputs", "execution_metadata", "***", "a field of ours", "half \ud800", "\u0000", "error"];
    expectRoundTrip(marked(nodeStarted({ inputs: "***" }), ...names));
    expectRoundTrip(...runOf(30, 0).map((event) => marked(event, "inputs", "outputs")));
    expectRoundTrip(...runOf(5, 400).map((event, at) => (at % 2 === 0 ? marked(event, "inputs") : event)));
    expectRoundTrip(...runOf(200, 300).map((event) => marked(event, "process_data")));
    expectRoundTrip(marked(nodeStarted({ inputs: wordsOf(1, 90_000), title: wordsOf(2, 90_000) }), "inputs", "title"));
  });

  it("stay with the value that is shown", () => {
    const start = redacted("node.started", { inputs: "***", title: "T" }, "inputs");
    const finish = sent("node.finished", { at: 1, title: "***" });
    expect(ofNode(start, finish)).toEqual(["inputs"]);
    expect(
      ofNode(start, redacted("node.finished", { at: 1, title: "***", outputs: "***" }, "title", "outputs")),
    ).toEqual(["inputs", "outputs", "title"]);
    expect(ofNode(start, sent("node.finished", { at: 1, inputs: "as it came" }))).toEqual([]);
  });

  it("of metadata stay where any of its values is shown", () => {
    const start = redacted("node.started", { execution_metadata: { a: "***", b: 1 } }, "execution_metadata");
    expect(ofNode(start, sent("node.finished", { at: 1, execution_metadata: { a: 1 } }))).toEqual([
      "execution_metadata",
    ]);
    expect(ofNode(start, sent("node.finished", { at: 1, execution_metadata: { a: 1, b: 2 } }))).toEqual([]);
  });

  it("of an end that lost, and of a stale event, are not shown", () => {
    const lostEnd = redacted("node.finished", { at: 9, outputs: "***", title: "***" }, "outputs", "title");
    expect(ofNode(sent("node.finished", { at: 1 }), lostEnd)).toEqual([]);
    const late = redacted("node.started", { at: 9, inputs: "***" }, "inputs");
    expect(ofNode(sent("node.finished", { at: 1 }), claimed(2, 5), late)).toEqual([]);
  });

  it("of an outcome are those of the event that decides", () => {
    const paused = redacted("run.paused", { at: 1, outputs: "***", reasons: "***" }, "outputs", "reasons");
    expect(ofRun(sent("run.started"), paused)).toEqual(["reasons"]);
    expect(ofRun(sent("run.started"), paused, sent("run.finished", { at: 2, outputs: 1 }))).toEqual(["reasons"]);
    expect(ofRun(redacted("run.finished", { at: 2, outputs: "***", error: "***" }, "outputs", "error"))).toEqual([
      "error",
      "outputs",
    ]);
  });

  it("of an error go where the error goes", () => {
    const failed = redacted("run.finished", { at: 5, status: "failed", error: "***" }, "error");
    expect(ofNode(sent("node.started"), failed)).toEqual(["error"]);
    const retried = redacted("node.retried", { at: 1, error: "***" }, "error");
    expect(ofNode(retried)).toEqual(["error"]);
    expect(ofNode(retried, sent("run.finished", { at: 5, status: "stopped" }))).toEqual([]);
    const long = redacted("run.finished", { at: 5, status: "failed", error: `*** ${"x".repeat(2000)}` }, "error");
    expect(ofRun(long)).toEqual(["error"]);
  });

  it("are each attempt's own", () => {
    const retried = redacted("node.retried", { at: 1, inputs: "***", error: "***" }, "inputs", "error");
    const state = node(sent("node.started"), retried, redacted("node.finished", { at: 2, outputs: "***" }, "outputs"));
    expect(attemptsOf(state).map((attempt) => attempt.redacted)).toEqual([["error", "inputs"], ["outputs"]]);
    const open = node(
      sent("node.started"),
      redacted("run.finished", { at: 5, status: "failed", error: "***" }, "error"),
    );
    expect(attemptsOf(open).map((attempt) => attempt.redacted)).toEqual([["error"]]);
  });

  it("of equal copies are all there", () => {
    const copies = [marked(sent("node.started").event, "inputs"), marked(sent("node.started").event, "title")];
    const entries = copies.map((event) => entryOf(arrivalOf([event])));
    const [member, ...others] = membersIn(entries);
    expect(others).toEqual([]);
    expect(redactedAmong(member?.fields ?? new Map())).toEqual(["inputs", "title"]);
  });
});
