import * as v from "valibot";
import { AppId, RunId } from "../../shared/contract/identifiers.ts";
import { type Header, headerOf } from "../../shared/domain/header.ts";
import { ANY_RUN, type RunFilter, runMatcher } from "../../shared/domain/run-filter.ts";
import { instant, ledger, type Sent, sent } from "../support/builders.ts";

const LONG = "long ".repeat(30);
const header = (...events: readonly Sent[]): Header => headerOf(ledger(...events));

const started = sent("run.started", {
  at: 1,
  app_id: "app-1",
  triggered_from: "webhook",
  workflow_id: "w".repeat(100),
  workflow_version: `${LONG}v1`,
  created_by: `${LONG}alice`,
  tags: ["prod", `${LONG}tag`],
  parent_run_id: "parent",
});
const finished = sent("run.finished", { at: 3.5, status: "failed", exceptions_count: 2 });
const run = header(started, finished);

const matches = (filter: Partial<RunFilter>, of: Header = run): boolean =>
  runMatcher({ ...ANY_RUN, ...filter }, undefined)(of);

describe("a filter", () => {
  it("that says nothing lets every run through", () => {
    expect(matches({})).toBe(true);
    expect(matches({}, header(sent("node.started")))).toBe(true);
  });

  it.each<[string, Partial<RunFilter>, Partial<RunFilter>]>([
    ["status", { statuses: ["running", "failed"] }, { statuses: ["running"] }],
    ["trigger", { triggeredFrom: "webhook" }, { triggeredFrom: "web" }],
    ["workflow", { workflowId: "w".repeat(100) }, { workflowId: "w".repeat(101) }],
    ["version", { workflowVersion: `${LONG}v1` }, { workflowVersion: `${LONG}v2` }],
    ["creator", { createdBy: `${LONG}alice` }, { createdBy: LONG }],
    ["tag", { tags: ["prod"] }, { tags: ["dev"] }],
    ["long tag", { tags: [`${LONG}tag`] }, { tags: [LONG] }],
    ["all of its tags", { tags: ["prod", `${LONG}tag`] }, { tags: ["prod", "dev"] }],
    ["exceptions", { hasExceptions: true }, { hasExceptions: false }],
    ["parent", { parentRunId: v.parse(RunId, "parent") }, { parentRunId: v.parse(RunId, "other") }],
    ["elapsed time", { minElapsedSeconds: 2.5 }, { minElapsedSeconds: 2.501 }],
    [
      "time",
      { created: { after: instant(1), before: instant(2) } },
      { created: { after: instant(0), before: instant(1) } },
    ],
    [
      "time without end",
      { created: { after: instant(1), before: undefined } },
      { created: { after: instant(2), before: undefined } },
    ],
    ["several at once", { statuses: ["failed"], tags: ["prod"] }, { statuses: ["failed"], tags: ["dev"] }],
  ])("by %s tells runs apart", (_name, good, bad) => {
    expect(matches(good)).toBe(true);
    expect(matches(bad)).toBe(false);
  });

  it("by app lets only its own runs through", () => {
    expect(runMatcher(ANY_RUN, v.parse(AppId, "app-1"))(run)).toBe(true);
    expect(runMatcher(ANY_RUN, v.parse(AppId, "app-2"))(run)).toBe(false);
    expect(runMatcher(ANY_RUN, v.parse(AppId, "app-1"))(header(sent("node.started")))).toBe(false);
  });

  it("by elapsed time finds no run that has not ended, and takes a measured time for one that was not said", () => {
    expect(matches({ minElapsedSeconds: 0 }, header(started))).toBe(false);
    expect(matches({ minElapsedSeconds: 0 })).toBe(true);
    expect(matches({ minElapsedSeconds: 9 }, header(started, sent("run.finished", { at: 2, elapsed_time: 9 })))).toBe(
      true,
    );
  });

  it("by exceptions takes none said for none", () => {
    expect(matches({ hasExceptions: false }, header(started))).toBe(true);
    expect(
      matches({ hasExceptions: false }, header(started, sent("run.finished", { at: 2, exceptions_count: 0 }))),
    ).toBe(true);
  });
});
