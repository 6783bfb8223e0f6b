import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RecordStores, recordArrival, recordClaim } from "../../shared/app/record/record-arrival.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import type { Arrival } from "../../shared/domain/fold/ledger.ts";
import { foldRun } from "../../shared/domain/fold/run-fold.ts";
import { type Header, headerOf, isSameHeader } from "../../shared/domain/header.ts";
import { dynamoAppRegistry } from "../../shared/dynamodb/dynamo-app-registry.ts";
import { dynamoLedgerStore } from "../../shared/dynamodb/dynamo-ledger-store.ts";
import { dynamoRunStore } from "../../shared/dynamodb/dynamo-run-store.ts";
import { dynamoSettingsStore } from "../../shared/dynamodb/dynamo-settings-store.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { RunStore } from "../../shared/ports/run-store.ts";
import {
  arrivalOf,
  claimed,
  run as folded,
  lost,
  type Saying,
  type Sent,
  sent,
  viewOfState,
  ZERO,
} from "../support/builders.ts";
import { runKey } from "../support/service.ts";
import { startTables, type Tables } from "./dynamo-tables.ts";

const WRITERS = 20;
const ROUNDS = 4;

/** Numbers from 0 to 1 that a failed test can be repeated with. */
const randomOf = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};

/** Time stands; a writer that waits lets the others go first. */
const clock: Clock = { now: () => ZERO, sleep: () => new Promise((resolve) => setImmediate(resolve)) };

/** A run store that remembers what took effect. */
const watched = (store: RunStore) => {
  const written = new Map<number, Header>();
  const counted = { writes: 0 };
  const count = (isWritten: boolean): boolean => {
    if (isWritten) counted.writes++;
    return isWritten;
  };
  const watching: RunStore = {
    ...store,
    create: async (run, header) => {
      const isWritten = await store.create(run, header);
      if (isWritten) written.set(1, header);
      return count(isWritten);
    },
    finish: async (run, finish, now) => count(await store.finish(run, finish, now)),
    replace: async (run, header, present) => {
      const isWritten = await store.replace(run, header, present);
      if (isWritten) written.set(present.rev + 1, header);
      return count(isWritten);
    },
  };
  return { store: watching, written, counted };
};

/** One of the things that an engine, or many workers of it, may say of a run at any time. */
const saying = (random: () => number): Sent => {
  const pick = <T>(...options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;
  const when: Saying = { at: Math.floor(random() * 10) };
  const app = { app_id: pick("app-1", "app-2") };
  return pick(
    () => sent("run.started", { app_id: "app-1" }),
    () => sent("run.started", { ...when, ...app }),
    () => sent("run.finished", { ...when, ...app, elapsed_time: 1, status: pick("succeeded", "failed", "stopped") }),
    () => sent("run.finished", { at: 4, status: "failed" }),
    () => sent("run.paused", when),
    () => sent("run.resumed", when),
    () => sent("run.scheduled", { ...when, workflow_id: pick("w1", "w2") }),
    () => sent("run.heartbeat", { ...when, ...app }),
    () => sent("node.started", { ...when, ...app, node_execution_id: pick("n1", "n2") }),
    () => sent("node.finished", { ...when, node_execution_id: pick("n1", "n2") }),
    () => lost(5),
  )();
};

const arrivalsOf = (events: readonly Sent[]): Arrival[] =>
  [...Map.groupBy(events, ({ actor }) => actor)].map(([actor, group]) =>
    arrivalOf(
      group.map(({ event }) => event),
      { actor },
    ),
  );

describe("many writers of one run", () => {
  let tables: Tables;
  const objects = mkdtempSync(join(tmpdir(), "runstone-writers-"));
  beforeAll(async () => {
    tables = await startTables();
  });
  afterAll(() => {
    tables.stop();
    rmSync(objects, { recursive: true, force: true });
  });

  const connect = () => {
    const { table } = tables;
    const runs = watched(dynamoRunStore(table));
    const ledger = dynamoLedgerStore(table, fileBlobStore(objects), clock);
    const stores: RecordStores = {
      ledger,
      runs: runs.store,
      apps: dynamoAppRegistry(table),
      settings: dynamoSettingsStore(table, clock),
      clock,
      retentionDays: 30,
    };
    return { stores, ...runs };
  };

  const expectHeaderToBeFold = async ({ ledger }: RecordStores, run: RunKey): Promise<number> => {
    const { header, entries } = await ledger.readAll(run);
    const { runId: _, rev, touches: __, hold: ___, ...projection } = header ?? { runId: "", rev: 0, touches: 0 };
    expect(projection).toEqual(headerOf(entries));
    return rev;
  };

  it.each([1, 2, 3])(
    "leave a header that is the fold, and a version that counts its changes (seed %i)",
    async (seed) => {
      const random = randomOf(seed);
      const { stores, written, counted } = connect();
      const run = runKey(`tenant-${seed}`, "run-1");
      const all: Sent[] = [];

      for (let round = 0; round < ROUNDS; round++) {
        const groups = Array.from({ length: WRITERS }, () =>
          Array.from({ length: 1 + Math.floor(random() * 2) }, () => saying(random)),
        );
        const claims =
          round % 2 === 1 ? Array.from({ length: 3 }, () => claimed(2 + Math.floor(round / 2), 6 + round)) : [];
        all.push(...groups.flat(), ...claims.slice(0, 1));

        const won = await Promise.all([
          ...groups.flatMap(arrivalsOf).map((arrival) => recordArrival(stores, run, arrival).then(() => undefined)),
          ...claims.map(({ event, actor }) =>
            recordClaim(stores, run, { arrival: arrivalOf([event], { actor }), epoch: event.epoch }),
          ),
        ]);

        expect(won.filter((outcome) => outcome === "recorded")).toHaveLength(claims.length === 0 ? 0 : 1);
        expect(await expectHeaderToBeFold(stores, run)).toBe(counted.writes);
      }

      const { entries } = await stores.ledger.readAll(run);
      expect(viewOfState(foldRun(entries))).toEqual(viewOfState(folded(...all)));
      for (const [rev, header] of written) {
        const before = written.get(rev - 1);
        if (before !== undefined) expect([rev, isSameHeader(before, header)]).toEqual([rev, false]);
      }

      const version = counted.writes;
      const again = all.filter(({ event }) => event.type !== "run.claimed").slice(0, WRITERS);
      await Promise.all(
        again.flatMap((event) => arrivalsOf([event])).map((arrival) => recordArrival(stores, run, arrival)),
      );
      expect(await expectHeaderToBeFold(stores, run)).toBe(version);
    },
    60_000,
  );

  it("who meet on a run that has just begun leave a header that is the fold", async () => {
    const random = randomOf(7);
    const { stores } = connect();
    const start = sent("run.started", { at: 1 });
    const end = sent("run.finished", { at: 4, app_id: "app-1", elapsed_time: 3 });
    const others = [
      start,
      end,
      sent("run.started", { at: 2, app_id: "app-2" }),
      sent("run.finished", { at: 3, app_id: "app-1", elapsed_time: 2, status: "failed" }),
      sent("run.finished", { at: 5, app_id: "app-2", elapsed_time: 2 }),
      sent("run.paused", { at: 3 }),
      sent("node.started", { app_id: "app-0" }),
      lost(9),
    ];
    for (let index = 0; index < 60; index++) {
      const run = runKey(`young-${index}`, "run-1");
      const extra = others.filter(() => random() < 0.3);
      const work = arrivalsOf([start])
        .concat(arrivalsOf([end]), ...extra.map((event) => arrivalsOf([event])))
        .map((arrival) => (): Promise<unknown> => recordArrival(stores, run, arrival));
      if (random() < 0.3) {
        const claim = claimed(2, 6);
        work.push(() =>
          recordClaim(stores, run, { arrival: arrivalOf([claim.event], { actor: claim.actor }), epoch: 2 }),
        );
      }
      await Promise.all(
        work
          .map((begin) => ({ begin, at: random() }))
          .sort((a, b) => a.at - b.at)
          .map(({ begin }) => begin()),
      );

      await expectHeaderToBeFold(stores, run);
    }
  }, 30_000);

  it("who all tell the plain story, repeated, change the header twice", async () => {
    const { stores, counted } = connect();
    const run = runKey("plain", "run-1");
    const start = sent("run.started", { at: 1 });
    const end = sent("run.finished", { at: 2, app_id: "app-1", elapsed_time: 1 });
    await recordArrival(stores, run, arrivalOf([start.event]));
    const writers = Array.from(
      { length: WRITERS },
      (_, index) => [start, end, sent("node.started", { at: index % 3 })][index % 3] as Sent,
    );
    await Promise.all(
      writers.flatMap((event) => arrivalsOf([event])).map((arrival) => recordArrival(stores, run, arrival)),
    );

    expect(await expectHeaderToBeFold(stores, run)).toBe(2);
    expect(counted.writes).toBe(2);
  });
});
