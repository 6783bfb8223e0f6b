import * as v from "valibot";
import { Instant } from "../contract/instant.ts";
import { RUN_STATUSES } from "../contract/run-status.ts";
import type { AppUpkeep, StoredUpkeep } from "../ports/upkeep-store.ts";
import { jsonAttribute } from "./json-attribute.ts";

const Position = v.object({ listedAt: Instant, runId: v.string() });

const Round = v.object({
  begunAt: v.number(),
  version: v.number(),
  after: v.optional(Position),
  seen: v.number(),
  failed: v.number(),
  isOver: v.boolean(),
});

const Days = v.object(Object.fromEntries(RUN_STATUSES.map((status) => [status, v.number()])));

const Upkeep = v.object({
  lostAfter: v.optional(Position),
  kept: v.optional(v.object({ version: v.number(), days: Days })),
  retention: v.optional(Round),
  newest: v.optional(Round),
  outliving: v.optional(Round),
  span: v.optional(
    v.object({
      longestDays: v.number(),
      past: v.array(v.object({ days: v.number(), until: v.number() })),
    }),
  ),
});

const UpkeepItem = v.object({
  upkeep: jsonAttribute(Upkeep),
  upkeep_rev: v.number(),
});

/** What upkeep remembers of an app, as an attribute of the registry's item. */
export const writeUpkeep = (upkeep: AppUpkeep): string => JSON.stringify(upkeep);

/** What the registry's item of an app says of its upkeep; undefined where it was never visited. */
export const upkeepFrom = (item: Record<string, unknown>): StoredUpkeep | undefined => {
  if (!("upkeep" in item)) return undefined;
  const { upkeep, upkeep_rev } = v.parse(UpkeepItem, item);
  const { lostAfter, kept, retention, newest, outliving, span } = upkeep;
  return { upkeep: { lostAfter, kept, retention, newest, outliving, span } as AppUpkeep, rev: upkeep_rev };
};
