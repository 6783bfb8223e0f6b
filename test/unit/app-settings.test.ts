import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import { type AppSettings, pastRetentions, policyOf } from "../../shared/domain/app-settings.ts";

const DAY_MS = 86_400_000;
const APP = v.parse(AppId, "app-1");

/** Settings after these retentions of failed runs were set, each on its day; undefined: the usual one. */
const setOnDays = (...changes: readonly (readonly [day: number, failed: number | undefined])[]): AppSettings => {
  let settings: AppSettings | undefined;
  for (const [day, failed] of changes) {
    const body = v.parse(AppSettingsBody, { retention_days: failed === undefined ? {} : { failed } });
    const past = pastRetentions(settings, body, day * DAY_MS);
    settings = { ...body, version: 1, updatedAt: day * DAY_MS, readShards: 1, past };
  }
  return settings as AppSettings;
};

const expiredBy = (settings: AppSettings | undefined, decidedOn: number, day: number): boolean =>
  policyOf({ apps: new Map(settings === undefined ? [] : [[APP, settings]]) }, 30).hasExpired(
    { appId: APP, status: "failed", decidedAt: decidedOn * DAY_MS },
    day * DAY_MS,
  );

describe("a run has expired", () => {
  it("by the usual retention where nothing was ever set, at the instant that it is over", () => {
    expect(expiredBy(undefined, 0, 29.999)).toBe(false);
    expect(expiredBy(undefined, 0, 30)).toBe(true);
  });

  it.each([
    [
      "while it was kept for less, though it is kept for longer again",
      [
        [5, 3],
        [12, 60],
      ],
      4,
      20,
      true,
    ],
    [
      "at the change itself, where it was older than what was set",
      [
        [10, 5],
        [11, 60],
      ],
      4,
      20,
      true,
    ],
    [
      "not where the shorter time was over before it was",
      [
        [5, 3],
        [6, 60],
      ],
      4,
      20,
      false,
    ],
    [
      "not where it came after the shorter time",
      [
        [5, 3],
        [6, 60],
      ],
      7,
      20,
      false,
    ],
    ["before anything was set", [[40, 60]], 4, 41, true],
    ["not where what is set was lengthened in time", [[20, 60]], 4, 63, false],
    ["by what is set now", [[20, 60]], 4, 64, true],
    [
      "not by settings that left retentions as they were",
      [
        [5, undefined],
        [6, undefined],
      ],
      4,
      33,
      false,
    ],
  ] as const)("%s", (_, changes, decidedOn, day, expected) => {
    expect(expiredBy(setOnDays(...changes), decidedOn, day)).toBe(expected);
  });

  it("with the latest twenty changes remembered, and none that changed nothing", () => {
    const changes = Array.from({ length: 30 }, (_, day) => [day, 10 + Math.floor(day / 2)] as const);
    const { past } = setOnDays(...changes.slice(0, 10));

    expect(past.map(({ until }) => until / DAY_MS)).toEqual([0, 2, 4, 6, 8]);
    expect(setOnDays(...Array.from({ length: 30 }, (_, day) => [day, 1 + day] as const)).past).toHaveLength(20);
  });
});
