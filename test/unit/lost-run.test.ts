import * as v from "valibot";
import { readEvent } from "../../shared/contract/event.ts";
import { AppId, RunId } from "../../shared/contract/identifiers.ts";
import { identify } from "../../shared/domain/fold/identity.ts";
import { lostAt, lostRunEvent, type SilentRun } from "../../shared/domain/lost-run.ts";
import { ZERO } from "../support/builders.ts";
import { eventText, json } from "../support/event-text.ts";

const silent: SilentRun = {
  runId: v.parse(RunId, "run-1"),
  appId: v.parse(AppId, "app-1"),
  epoch: 2,
  lastSignAt: ZERO,
  idleSeconds: 90.0005,
};

describe("the event that closes a lost run", () => {
  it.each([silent, { ...silent, appId: undefined }])("is what an event of that text would be", (run) => {
    const text = eventText("run.finished", {
      app_id: run.appId,
      at: new Date(lostAt(ZERO, 90.0005)).toISOString(),
      id: "RUN_LOST:2",
      epoch: 2,
      status: "failed",
      error: json('{"code":"RUN_LOST","message":"no sign of life for 90.0005 seconds"}'),
    });
    const reading = readEvent({ text, value: JSON.parse(text) }, { now: ZERO, isFromQueue: false });
    if (!reading.ok) throw new Error("expected an event");

    expect(lostRunEvent(run)).toEqual(identify(reading.event, text));
  });

  it("is the same whoever finds the run silent", () => {
    expect(lostRunEvent(silent)).toEqual(lostRunEvent({ ...silent }));
  });

  it("happens when the run has been silent for long enough, to the millisecond", () => {
    expect(lostAt(ZERO, 1800)).toBe(ZERO + 1_800_000);
    expect(lostAt(ZERO, 0.0001)).toBe(ZERO + 1);
  });
});
