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

/** Whether something that expires at this second is gone for readers. */
export const hasExpired = (expiresAt: number, now: number): boolean => expiresAt * 1000 <= now;

/** Retentions in days that objects are collected by. One in between is kept by the next longer. */
const CLASSES_DAYS = [30, 90, 180, 365, 730, 1095, 3650] as const;

/** No run can be kept longer (days): the longest that objects are collected by. */
export const LONGEST_RETENTION_DAYS = 3650;

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

/** Refused events are kept this long, in days from when they were sent. */
export const QUARANTINE_DAYS = 14;

/** Every lifetime of an object in days, ascending: the object store collects by these and no others. */
export const OBJECT_LIFETIMES_DAYS: readonly number[] = [
  QUARANTINE_DAYS,
  ...CLASSES_DAYS.flatMap((classDays) => Object.values(lifetimesOf(classDays))),
].sort((a, b) => a - b);
