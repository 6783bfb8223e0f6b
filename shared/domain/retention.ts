import { LONGEST_RETENTION_DAYS } from "../contract/app-settings.ts";

const DAY_SECONDS = 86_400;

/** How long a run is kept after the receipt of the event that decides its status, where no setting says otherwise. */
export const DEFAULT_RETENTION_DAYS = 30;

/** How long an entry outlives the longest retention: time for a pass to look again at what must stay. */
const GRACE_DAYS = 35;

/** When a run expires (seconds since 1970), from the receipt of its deciding event (milliseconds). */
export const runExpiry = (receivedAt: number, retentionDays: number): number =>
  Math.floor(receivedAt / 1000) + retentionDays * DAY_SECONDS;

/** When a ledger entry received at this time (milliseconds) may be collected (seconds since 1970). */
export const entryExpiry = (receivedAt: number, retentionDays: number): number =>
  Math.floor(receivedAt / 1000) + (retentionDays + GRACE_DAYS) * DAY_SECONDS;

/** How many days before they would be collected entries are looked at that a run may outlive. */
export const LOOK_AHEAD_DAYS = 7;

/**
 * How long all is kept of a run (seconds since 1970) that outlives what is kept of it, by the run's own expiry: as far
 * beyond it as entries are kept beyond the longest retention.
 */
export const outlivedExpiry = (expiresAt: number): number => expiresAt + GRACE_DAYS * DAY_SECONDS;

/** The receipt (milliseconds since 1970) that a run's expiry was counted from. */
export const decidedAt = ({ expiresAt, keptDays }: { readonly expiresAt: number; readonly keptDays: number }): number =>
  (expiresAt - keptDays * DAY_SECONDS) * 1000;

/** When a run expires that is to be kept for another number of days. */
export const movedExpiry = (of: { readonly expiresAt: number; readonly keptDays: number }, days: number): number =>
  of.expiresAt + (days - of.keptDays) * DAY_SECONDS;

/** How long a deleted run refuses late events (days): longer than any queue or engine holds one back. */
const TOMBSTONE_DAYS = 400;

/** When a deleted run may be forgotten (seconds since 1970), from its deletion (milliseconds). */
export const tombstoneExpiry = (deletedAt: number): number =>
  Math.floor(deletedAt / 1000) + TOMBSTONE_DAYS * DAY_SECONDS;

/** The expiry of what is kept until somebody says otherwise: a run under legal hold. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Whether something that expires at this second is gone for readers. */
export const hasExpired = (expiresAt: number, now: number): boolean => expiresAt * 1000 <= now;

/** Retentions in days that objects are collected by. One in between is kept by the next longer. */
const CLASSES_DAYS = [30, 90, 180, 365, 730, 1095, 3650] as const;

/** A graph is kept once a month: what was kept on the first is needed as long as what came on the last. */
const GRAPH_MONTH_DAYS = 31;

/** What is kept as an object, and for how many days from its writing. */
export interface ObjectLifetimes {
  readonly payloadDays: number;
  readonly graphDays: number;
}

const lifetimesOf = (classDays: number): ObjectLifetimes => ({
  payloadDays: classDays + GRACE_DAYS,
  graphDays: classDays + GRACE_DAYS + GRAPH_MONTH_DAYS,
});

/** How long objects are kept that belong to an entry with this receipt (milliseconds) and expiry (seconds). */
export const objectLifetimes = (entry: { receivedAt: number; expiresAt: number }): ObjectLifetimes => {
  const days = Math.ceil((entry.expiresAt - Math.floor(entry.receivedAt / 1000)) / DAY_SECONDS) - GRACE_DAYS;
  return lifetimesOf(CLASSES_DAYS.find((classDays) => classDays >= days) ?? LONGEST_RETENTION_DAYS);
};

/** Every lifetime that payload can have (days). */
export const PAYLOAD_LIFETIMES_DAYS: readonly number[] = CLASSES_DAYS.map((days) => lifetimesOf(days).payloadDays);

/** Refused events are kept this long, in days from when they were sent. */
export const QUARANTINE_DAYS = 14;

/** What an export has written can be downloaded for so many days. */
export const EXPORT_DAYS = 7;

/** When a file of an export is gone (milliseconds since 1970), by the time of its writing. */
export const exportExpiry = (writtenAt: number): number => writtenAt + EXPORT_DAYS * DAY_SECONDS * 1000;

/** A job is known for so many days from its beginning. */
const JOB_DAYS = 30;

/** When a job is forgotten (seconds since 1970), from its beginning (milliseconds). */
export const jobExpiry = (createdAt: number): number => Math.floor(createdAt / 1000) + JOB_DAYS * DAY_SECONDS;

/** An upload waits this long, in days from its beginning, for an event that refers to it. */
export const UPLOAD_DAYS = 2;

/** Every lifetime of an object in days, ascending: the object store collects by these and no others. */
export const OBJECT_LIFETIMES_DAYS: readonly number[] = [
  UPLOAD_DAYS,
  EXPORT_DAYS,
  QUARANTINE_DAYS,
  ...CLASSES_DAYS.flatMap((classDays) => Object.values(lifetimesOf(classDays))),
].sort((a, b) => a - b);
