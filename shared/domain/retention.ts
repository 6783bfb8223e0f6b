const DAY_SECONDS = 86_400;

/** How long a run is kept after the receipt of the event that decides its status. */
const RETENTION_DAYS = 30;

/** How long an entry outlives the longest retention: time for a pass to look again at what must stay. */
const GRACE_DAYS = 35;

/** When a run expires (seconds since 1970), from the receipt of its deciding event (milliseconds). */
export const runExpiry = (receivedAt: number): number => Math.floor(receivedAt / 1000) + RETENTION_DAYS * DAY_SECONDS;

/** When a ledger entry received at this time (milliseconds) may be collected (seconds since 1970). */
export const entryExpiry = (receivedAt: number): number =>
  Math.floor(receivedAt / 1000) + (RETENTION_DAYS + GRACE_DAYS) * DAY_SECONDS;

/** Whether something that expires at this second is gone for readers. */
export const hasExpired = (expiresAt: number, now: number): boolean => expiresAt * 1000 <= now;
