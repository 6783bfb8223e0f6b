import { entryOf } from "../../shared/domain/fold/ledger.ts";
import { headerOf } from "../../shared/domain/header.ts";
import {
  DEFAULT_RETENTION_DAYS,
  entryExpiry as entryExpiryOf,
  hasExpired,
  OBJECT_LIFETIMES_DAYS,
  objectLifetimes,
  runExpiry as runExpiryOf,
} from "../../shared/domain/retention.ts";
import { arrivalOf, claimed, sent, ZERO } from "../support/builders.ts";

const DAY = 86_400;
const runExpiry = (receivedAt: number) => runExpiryOf(receivedAt, DEFAULT_RETENTION_DAYS);
const entryExpiry = (receivedAt: number) => entryExpiryOf(receivedAt, DEFAULT_RETENTION_DAYS);
const received = (second: number, ...events: Parameters<typeof arrivalOf>[0]) =>
  entryOf(arrivalOf(events, { receivedAt: second }));

describe("retention", () => {
  it("keeps a run for 30 days from a receipt, and its entries 35 days longer", () => {
    expect(runExpiry(ZERO)).toBe(ZERO / 1000 + 30 * DAY);
    expect(entryExpiry(ZERO)).toBe(ZERO / 1000 + 65 * DAY);
  });

  it("counts in whole seconds", () => {
    expect(runExpiry(ZERO + 999)).toBe(runExpiry(ZERO));
    expect(entryExpiry(ZERO + 999)).toBe(entryExpiry(ZERO));
  });

  it("lets a run go at its second, not before", () => {
    const expiry = runExpiry(ZERO);

    expect(hasExpired(expiry, expiry * 1000 - 1)).toBe(false);
    expect(hasExpired(expiry, expiry * 1000)).toBe(true);
  });

  it("counts from the receipt of the event that decides, not from when things happened", () => {
    const start = received(1000, sent("run.started").event);
    const end = received(5000, sent("run.finished", { at: -86_400 }).event);

    expect(headerOf([start]).expiresAt).toBe(runExpiry(ZERO + 1_000_000));
    expect(headerOf([start, end]).expiresAt).toBe(runExpiry(ZERO + 5_000_000));
    expect(headerOf([end, start]).expiresAt).toBe(runExpiry(ZERO + 5_000_000));
  });

  it("is not prolonged by what does not decide", () => {
    const end = received(1000, sent("run.finished").event);

    expect(headerOf([end, received(9000, sent("run.paused", { at: 9 }).event)]).expiresAt).toBe(
      runExpiry(ZERO + 1_000_000),
    );
    expect(headerOf([end, received(9000, sent("node.finished").event)]).expiresAt).toBe(runExpiry(ZERO + 1_000_000));
  });

  it("is not prolonged by a repeated delivery: the first receipt counts", () => {
    const end = sent("run.finished").event;

    expect(headerOf([received(9000, end), received(1000, end)]).expiresAt).toBe(runExpiry(ZERO + 1_000_000));
  });

  it("begins anew with a claim", () => {
    const end = received(1000, sent("run.finished", { status: "failed" }).event);

    expect(headerOf([end, received(9000, claimed(2, 5).event)]).expiresAt).toBe(runExpiry(ZERO + 9_000_000));
  });

  it("of a run whose deciding events are missing counts from its first receipt", () => {
    const nodes = [received(9000, sent("node.started").event), received(2000, sent("node.finished").event)];

    expect(headerOf(nodes).expiresAt).toBe(runExpiry(ZERO + 2_000_000));
  });
});

describe("objects", () => {
  const lifetimes = (retentionDays: number) =>
    objectLifetimes({ receivedAt: ZERO + 999, expiresAt: entryExpiryOf(ZERO + 999, retentionDays) });

  it("are kept at least as long as their entry, and graphs a month longer", () => {
    for (let days = 1; days <= 3650; days++) {
      expect(lifetimes(days).payloadDays).toBeGreaterThanOrEqual(days + 35);
      expect(lifetimes(days).graphDays).toBe(lifetimes(days).payloadDays + 31);
    }
  });

  it("are collected by few lifetimes, all of them known", () => {
    const known = new Set(OBJECT_LIFETIMES_DAYS);
    for (let days = 1; days <= 3650; days++) {
      expect(known.has(lifetimes(days).payloadDays) && known.has(lifetimes(days).graphDays)).toBe(true);
    }
    expect(known.size).toBe(17);
  });
});
