import { createHash } from "node:crypto";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import { type Arrival, entryOf, type LedgerEntry } from "../../shared/domain/fold/ledger.ts";
import { headerOf } from "../../shared/domain/header.ts";
import { NEVER } from "../../shared/domain/retention.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { LATEST_WRITE_MS, type LedgerStore, type NewEntry } from "../../shared/ports/ledger-store.ts";
import type { RunStore } from "../../shared/ports/run-store.ts";
import { arrivalOf, claimed, lost, type Saying, sent, ZERO } from "../support/builders.ts";
import { json } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { runKey } from "../support/service.ts";
import { expectRetryableFault, type Subject, winnersAmong } from "./stored-faults.ts";

/** `runs` keeps headers beside the same ledgers. */
export interface LedgerSubject extends Subject<LedgerStore> {
  readonly runs: RunStore;
}

const newEntry = (arrival: Arrival): NewEntry => ({
  ...arrival,
  appId: arrival.events.find(({ appId }) => appId !== undefined)?.appId,
  expiresAt: Math.floor(arrival.receivedAt / 1000) + 86_400,
});

/** Text that hardly compresses, the same for the same seed. */
const noise = (seed: number, characters: number): string => {
  let text = "";
  for (let part = 0; text.length < characters; part++) {
    text += createHash("sha256").update(`${seed} ${part}`).digest("base64url");
  }
  return text.slice(0, characters);
};

const quoted = (text: string) => json(JSON.stringify(text));

/** An entry without what only its store knows: where its texts are. */
const plain = ({ events, ...entry }: LedgerEntry) => ({
  ...entry,
  events: events.map(({ payload, ...event }) => ({
    ...event,
    payload: payload.map(({ field, key, sizeBytes, preview }) => ({ field, key, sizeBytes, preview })),
  })),
});

/** An arrival so many milliseconds after the clock of tests began. */
const received = (ms: number, saying: Saying = {}, actor: Arrival["actor"] = "engine"): Arrival =>
  arrivalOf([sent("node.started", { node_execution_id: `n${ms}`, ...saying }).event], { actor, receivedAt: ms / 1000 });

const claimBy = (epoch: number, ms: number): Arrival =>
  arrivalOf([claimed(epoch, 5).event], { actor: "caller", receivedAt: ms / 1000 });

/** What every LedgerStore keeps of its port's promises. */
export const ledgerStoreContract = (name: string, start: (clock: Clock) => Promise<LedgerSubject>): void => {
  describe(`${name} as a ledger store`, () => {
    let subject: LedgerSubject;
    let store: LedgerStore;
    let clock: ManualClock;
    beforeAll(async () => {
      clock = manualClock(new Date(ZERO).toISOString());
      subject = await start(clock);
      store = subject.store;
    });
    afterAll(() => subject.stop());

    let tenants = 0;
    /** Events of tests are all of one run id: each test has a tenant of its own. */
    const newRun = (): RunKey => runKey(`tenant-${++tenants}`, "run-1");
    const append = async (run: RunKey, ...arrivals: readonly Arrival[]): Promise<void> => {
      for (const arrival of arrivals) await store.append(run, newEntry(arrival));
    };
    const claim = (run: RunKey, arrival: Arrival, epoch: number) => store.claim(run, newEntry(arrival), epoch);
    const entriesOf = async (run: RunKey) => (await store.readAll(run)).entries;
    const following = async (run: RunKey, ms: number): Promise<LedgerEntry[]> => {
      const entries: LedgerEntry[] = [];
      for await (const entry of store.readFrom(run, { after: ZERO + ms })) entries.push(entry);
      return entries;
    };
    const ulidsOf = (entries: readonly { ulid: string }[]) => entries.map(({ ulid }) => ulid);
    /** The texts of all payload of an entry, from the entry itself or from where it says they are. */
    const textsOf = async (run: RunKey, entry: LedgerEntry | undefined): Promise<(string | undefined)[]> => {
      const payload = entry?.events.flatMap((event) => event.payload) ?? [];
      const places = payload.flatMap(({ place }) => place ?? []);
      const read = (await store.readTexts(run, places)).values();
      return payload.map(({ text, place }) => (place === undefined ? text : read.next().value));
    };

    describe("append", () => {
      it("gives back the entry: who spoke, which way it came, and every event as it was", async () => {
        const run = newRun();
        const arrival: Arrival = {
          ...arrivalOf(
            [
              sent("run.started", {
                at: "2026-11-22T11:00:00.000000001+01:00",
                id: "e1",
                app_id: "app-1",
                tags: ["ü", ""],
                workflow_id: null,
                inputs: json('{ "b":1.0, "a":[1e400,12345678901234567890,"\\u00e9\\ud800"] }'),
                idle_timeout: 0.5,
                unknown: json("[ ]"),
              }).event,
              sent("node.finished", {
                epoch: 2,
                error: json('{"code" : "E"}'),
                execution_metadata: json(`{"n":1.0,"nil":null,"tool":"${"x".repeat(2000)}"}`),
                outputs: null,
              }).event,
              sent("edge.taken").event,
            ],
            { actor: "engine", receivedAt: 1.234 },
          ),
          source: "queue",
        };
        await append(run, arrival);

        const [entry, ...others] = await entriesOf(run);
        expect(others).toEqual([]);
        expect(entry && plain(entry)).toEqual(plain(entryOf(arrival)));
        expect(await textsOf(run, entry)).toEqual(
          arrival.events.flatMap(({ payload }) => payload.map(({ text }) => text)),
        );
      });

      it.each([
        ["engine", "http"],
        ["engine", "queue"],
        ["engine", "dify"],
        ["caller", "http"],
        ["service", "runstone"],
      ] as const)("keeps that the %s spoke, by %s", async (actor, source) => {
        const run = newRun();
        await append(run, { ...received(0, {}, actor), source });

        expect(await entriesOf(run)).toMatchObject([{ actor, source, receivedAt: ZERO }]);
      });

      it("writes an entry once: another time changes nothing", async () => {
        const run = newRun();
        const [first, second] = [received(0, { title: "first" }), received(0, { title: "second" })];
        await append(run, first, { ...second, ulid: first.ulid });

        expect((await entriesOf(run)).map(plain)).toEqual([plain(entryOf(first))]);
      });

      it("keeps one entry of the same one appended by many at once", async () => {
        const run = newRun();
        const arrival = received(0, { inputs: quoted(noise(1, 20_000)) });
        await Promise.all(Array.from({ length: 10 }, () => append(run, arrival)));

        expect((await entriesOf(run)).map(plain)).toEqual([plain(entryOf(arrival))]);
      });

      it("keeps every entry of many at once, also of one millisecond", async () => {
        const run = newRun();
        const arrivals = Array.from({ length: 20 }, (_, index) => received(0, { index }));
        await Promise.all(arrivals.map((arrival) => append(run, arrival)));

        expect(ulidsOf(await entriesOf(run))).toEqual(ulidsOf(arrivals));
      });

      it("keeps an event without payload, and many alike", async () => {
        const run = newRun();
        const beats = Array.from({ length: 500 }, (_, index) => sent("run.heartbeat", { at: index % 7 }).event);
        const arrival = arrivalOf(beats);
        await append(run, arrival);

        expect((await entriesOf(run)).map(plain)).toEqual([plain(entryOf(arrival))]);
      });

      it.each([
        ["a payload of 20 KB", { inputs: quoted(noise(2, 20_000)) }],
        ["a payload of 3 MB", { inputs: quoted(noise(3, 3_000_000)) }],
        ["a text of 100 KB under a small field", { title: noise(4, 100_000) }],
        ["metadata of 100 KB", { execution_metadata: { short: 1, long: noise(5, 100_000) } }],
        ["lines ends and surrogates in long texts", { inputs: json(`"${"\\n\\ud800 😀".repeat(5000)}"`) }],
        ["white space that holds line ends", { inputs: json(`{\n\n"a":\r\n"${noise(6, 20_000)}"\n}`) }],
      ])("keeps %s, to be read by its place", async (_name, saying) => {
        const run = newRun();
        const arrival = received(0, saying);
        await append(run, arrival);

        const [entry] = await entriesOf(run);
        expect(entry && plain(entry)).toEqual(plain(entryOf(arrival)));
        expect(await textsOf(run, entry)).toEqual(
          arrival.events.flatMap(({ payload }) => payload.map(({ text }) => text)),
        );
      });

      it("keeps an entry whose small fields alone are larger than an item may be", async () => {
        const run = newRun();
        const events = Array.from({ length: 1000 }, (_, index) => {
          const id = noise(index, 100);
          return sent("node.started", {
            node_execution_id: id,
            title: noise(index + 5000, 900),
            inputs: quoted(id),
            id,
          }).event;
        });
        const arrival = arrivalOf(events);
        await append(run, arrival);

        const [entry] = await entriesOf(run);
        expect(entry && plain(entry)).toEqual(plain(entryOf(arrival)));
        expect(await textsOf(run, entry)).toEqual(events.flatMap(({ payload }) => payload.map(({ text }) => text)));
      });

      it("keeps a run's graph, again and again", async () => {
        const run = newRun();
        const graph = quoted(noise(7, 5000));
        const arrivals = [0, 1].map((ms) =>
          arrivalOf([sent("run.started", { graph, at: ms }).event], { receivedAt: ms / 1000 }),
        );
        await append(run, ...arrivals);

        for (const entry of await entriesOf(run)) expect(await textsOf(run, entry)).toEqual([graph.text]);
      });

      it("keeps runs and tenants apart", async () => {
        const keys = [runKey("apart", "r"), runKey("apart", "r-1"), runKey("apart-2", "r"), runKey("apart", "r:L")];
        const arrivals = keys.map((_, ms) => received(ms));
        for (const [index, key] of keys.entries()) await append(key, arrivals[index] as Arrival);

        const found = await Promise.all(keys.map(async (key) => ulidsOf(await entriesOf(key))));
        expect(found).toEqual(arrivals.map(({ ulid }) => [ulid]));
      });

      it("refuses, to be tried again, what could not be written in time, and keeps nothing of it", async () => {
        const run = newRun();
        const [small, large] = [received(0), received(1, { inputs: quoted(noise(8, 20_000)) })];
        clock.advance(LATEST_WRITE_MS + 2);
        const calls = [append(run, small), append(run, large), claim(run, claimBy(2, 2), 2)];
        const outcomes = await Promise.allSettled(calls);
        clock.advance(-LATEST_WRITE_MS - 2);

        expect(outcomes).toMatchObject(
          calls.map(() => ({ status: "rejected", reason: { name: "StoreFault", isRetryable: true } })),
        );
        expect(await entriesOf(run)).toEqual([]);
        expect(await store.hasClaim(run, 2)).toBe(false);
      });
    });

    describe("claim", () => {
      it("opens an epoch for the first claimant, and for the same one again", async () => {
        const run = newRun();
        const [first, second] = [claimBy(2, 1), claimBy(2, 2)];
        expect(await claim(run, first, 2)).toBe(true);
        expect(await claim(run, second, 2)).toBe(false);
        expect(await claim(run, first, 2)).toBe(true);

        expect((await entriesOf(run)).map(plain)).toEqual([plain(entryOf(first))]);
      });

      it("is won by one of many at once, who then knows it", async () => {
        const run = newRun();
        const claims = Array.from({ length: 20 }, (_, ms) => claimBy(2, ms));
        expect(await winnersAmong(claims.map((arrival) => claim(run, arrival, 2)))).toBe(1);

        const [kept] = await entriesOf(run);
        expect(await winnersAmong(claims.map((arrival) => claim(run, arrival, 2)))).toBe(1);
        expect(await claim(run, claims.find(({ ulid }) => ulid === kept?.ulid) as Arrival, 2)).toBe(true);
      });

      it("opens each epoch on its own, in any order", async () => {
        const run = newRun();
        for (const epoch of [3, 2, 10]) expect(await claim(run, claimBy(epoch, 1), epoch)).toBe(true);

        expect((await entriesOf(run)).flatMap(({ events }) => events.map(({ epoch }) => epoch)).sort()).toEqual([
          10, 2, 3,
        ]);
      });

      it("is known from then on, of its run and epoch alone", async () => {
        const [run, other] = [newRun(), newRun()];
        await claim(run, claimBy(2, 1), 2);

        expect(await store.hasClaim(run, 2)).toBe(true);
        expect(await store.hasClaim(run, 3)).toBe(false);
        expect(await store.hasClaim(run, 1)).toBe(false);
        expect(await store.hasClaim(other, 2)).toBe(false);
        expect(await store.hasClaim(runKey("acme", run.runId), 2)).toBe(false);
      });

      it("is not opened by events that speak of its epoch", async () => {
        const run = newRun();
        await append(run, received(0, { epoch: 2 }));

        expect(await store.hasClaim(run, 2)).toBe(false);
        expect(await claim(run, claimBy(2, 1), 2)).toBe(true);
      });
    });

    describe("readAll", () => {
      it("gives nothing for an unknown run", async () => {
        expect(await store.readAll(newRun())).toEqual({ header: undefined, entries: [], failures: [] });
      });

      it("gives entries and claims, whatever order they were written in: claims by epoch, entries by receipt", async () => {
        const run = newRun();
        const arrivals = [received(5), received(3), received(4)];
        const claims = [claimBy(3, 9), claimBy(2, 1)];
        await append(run, ...arrivals);
        await claim(run, claims[0] as Arrival, 3);
        await claim(run, claims[1] as Arrival, 2);

        expect(ulidsOf(await entriesOf(run))).toEqual(
          ulidsOf([claims[1], claims[0], arrivals[1], arrivals[2], arrivals[0]] as Arrival[]),
        );
      });

      it("gives the header with them", async () => {
        const run = newRun();
        const arrival = arrivalOf([sent("run.started").event]);
        const header = headerOf([entryOf(arrival)]);
        await append(run, arrival);
        expect((await store.readAll(run)).header).toBeUndefined();
        await subject.runs.create(run, header);

        const record = await store.readAll(run);
        expect(record.header).toEqual({ ...header, runId: run.runId, rev: 1, touches: 0, hold: undefined });
        expect(ulidsOf(record.entries)).toEqual([arrival.ulid]);
      });

      it("gives a header that has no entries yet", async () => {
        const run = newRun();
        await subject.runs.create(run, headerOf([entryOf(received(0))]));

        expect(await store.readAll(run)).toMatchObject({ header: { rev: 1 }, entries: [] });
      });

      it("gives a ledger of any length, in order", async () => {
        const run = newRun();
        const arrivals = Array.from({ length: 300 }, (_, ms) => received(ms, { inputs: quoted(noise(ms, 5600)) }));
        await Promise.all(arrivals.map((arrival) => append(run, arrival)));

        expect(ulidsOf(await entriesOf(run))).toEqual(ulidsOf(arrivals));
        expect(ulidsOf(await following(run, 149))).toEqual(ulidsOf(arrivals.slice(150)));
      }, 30_000);
    });

    describe("readFrom", () => {
      it("leaves out what was received up to a moment, and that moment itself", async () => {
        const run = newRun();
        const arrivals = [0, 1, 2, 2, 3].map((ms) => received(ms));
        await append(run, ...arrivals);

        expect(ulidsOf(await following(run, -1))).toEqual(ulidsOf(arrivals));
        expect(ulidsOf(await following(run, 1))).toEqual(ulidsOf(arrivals.slice(2)));
        expect(ulidsOf(await following(run, 2))).toEqual(ulidsOf(arrivals.slice(4)));
        expect(await following(run, 3)).toEqual([]);
      });

      it("gives entries and claims in the order of receipt, whatever order they were written in", async () => {
        const run = newRun();
        const arrivals = [received(1), received(4), received(6)];
        const claims = [claimBy(2, 2), claimBy(3, 5), claimBy(4, 7)];
        await append(run, ...arrivals.toReversed());
        for (const [index, epoch] of [4, 3, 2].entries()) await claim(run, claims[2 - index] as Arrival, epoch);

        const inOrder = [...arrivals, ...claims].toSorted((a, b) => (a.ulid < b.ulid ? -1 : 1));
        expect(ulidsOf(await following(run, -1))).toEqual(ulidsOf(inOrder));
        expect(ulidsOf(await following(run, 4))).toEqual(ulidsOf([claims[1], arrivals[2], claims[2]] as Arrival[]));
        expect(ulidsOf(await following(run, 5))).toEqual(ulidsOf([arrivals[2], claims[2]] as Arrival[]));
      });

      it("gives everything from the beginning of time", async () => {
        const run = newRun();
        const arrival = received(0);
        await append(run, arrival);

        const entries: LedgerEntry[] = [];
        for await (const entry of store.readFrom(run, { after: 0 })) entries.push(entry);
        expect(ulidsOf(entries)).toEqual([arrival.ulid]);
      });

      it("gives whole entries, as readAll does, and never the header", async () => {
        const run = newRun();
        await append(run, received(0, { inputs: quoted(noise(9, 20_000)), title: "T" }));
        await claim(run, claimBy(2, 1), 2);
        await subject.runs.create(run, headerOf([entryOf(received(0))]));

        const read = (entries: LedgerEntry[]) => entries.map(plain).sort((a, b) => (a.ulid < b.ulid ? -1 : 1));
        expect(read(await following(run, -1))).toEqual(read(await entriesOf(run)));
      });

      it("gives nothing for an unknown run", async () => {
        expect(await following(newRun(), -1)).toEqual([]);
      });
    });

    describe("removeAll", () => {
      it("removes entries, claims and objects, says how many, and leaves the header and other runs", async () => {
        const run = newRun();
        const other = newRun();
        for (const each of [run, other]) {
          await append(each, received(0, { inputs: quoted(noise(1, 20_000)) }));
          await append(each, received(1));
        }
        await claim(run, claimBy(2, 2), 2);
        await subject.runs.create(run, headerOf([entryOf(received(0))]));

        expect(await store.removeAll(run)).toEqual({ entries: 3, events: 3, objects: 1 });

        expect(await store.readAll(run)).toMatchObject({ header: { rev: 1 }, entries: [] });
        expect(await entriesOf(other)).toHaveLength(2);
        expect(await store.removeAll(run)).toEqual({ entries: 0, events: 0, objects: 0 });
      });
    });

    describe("firstReceipt", () => {
      it("is that of the oldest entry, whatever order they were written in", async () => {
        const run = newRun();
        expect(await store.firstReceipt(run)).toBeUndefined();
        await append(run, received(5), received(3), received(7));
        await claim(run, claimBy(2, 9), 2);

        expect(await store.firstReceipt(run)).toBe(ZERO + 3);
      });
    });

    describe("lastReceipt", () => {
      it("is that of the newest entry, whatever order they were written in", async () => {
        const run = newRun();
        expect(await store.lastReceipt(run)).toBeUndefined();
        await append(run, received(5), received(3));

        expect(await store.lastReceipt(run)).toBe(ZERO + 5);
      });

      it("is that of a claim which is newer than every entry, and no longer once an entry follows", async () => {
        const run = newRun();
        await claim(run, claimBy(2, 7), 2);
        expect(await store.lastReceipt(run)).toBe(ZERO + 7);
        await append(run, received(5));
        expect(await store.lastReceipt(run)).toBe(ZERO + 7);
        await append(run, received(8));

        expect(await store.lastReceipt(run)).toBe(ZERO + 8);
      });
    });

    describe("keptUntil", () => {
      it("is when the first entry or claim may be collected", async () => {
        const run = newRun();
        expect(await store.keptUntil(run)).toBeUndefined();
        const first = newEntry(received(1));
        await store.append(run, { ...first, expiresAt: first.expiresAt + 50 });
        expect(await store.keptUntil(run)).toBe(first.expiresAt + 50);
        await store.append(run, { ...newEntry(received(2)), expiresAt: first.expiresAt + 9 });
        expect(await store.keptUntil(run)).toBe(first.expiresAt + 9);
        await store.claim(run, { ...newEntry(claimBy(2, 3)), expiresAt: first.expiresAt + 7 }, 2);

        expect(await store.keptUntil(run)).toBe(first.expiresAt + 7);
      });

      it("follows what the run is kept until", async () => {
        const run = newRun();
        await append(run, received(1), received(2));
        await store.keepUntil(run, ZERO / 1000 + 90 * 86_400);
        expect(await store.keptUntil(run)).toBe(ZERO / 1000 + 90 * 86_400);
        await store.keepUntil(run, NEVER);

        expect(await store.keptUntil(run)).toBe(NEVER);
      });
    });

    describe("keepUntil", () => {
      it("keeps texts readable, for ever and until a moment again", async () => {
        const run = newRun();
        const text = noise(1, 20_000);
        await append(run, received(0, { inputs: quoted(text) }));
        const inputs = async () => {
          const [entry] = await entriesOf(run);
          const place = entry?.events[0]?.payload[0]?.place;
          return place && (await store.readTexts(run, [place]))[0];
        };

        for (const until of [NEVER, NEVER, ZERO / 1000 + 400 * 86_400, ZERO / 1000 + 4000 * 86_400]) {
          await store.keepUntil(run, until);
          expect(await inputs()).toBe(JSON.stringify(text));
        }
      });

      it("reads at a place that was given before the texts moved", async () => {
        const run = newRun();
        const text = noise(2, 20_000);
        await append(run, received(0, { inputs: quoted(text) }));
        const place = (await entriesOf(run))[0]?.events[0]?.payload[0]?.place;
        await store.keepUntil(run, NEVER);
        const held = (await entriesOf(run))[0]?.events[0]?.payload[0]?.place;
        await store.keepUntil(run, ZERO / 1000 + 400 * 86_400);

        expect(place && (await store.readTexts(run, [place]))[0]).toBe(JSON.stringify(text));
        expect(held && (await store.readTexts(run, [held]))[0]).toBe(JSON.stringify(text));
      });

      it("does nothing for an unknown run", async () => {
        await expect(store.keepUntil(newRun(), NEVER)).resolves.toBeUndefined();
      });
    });

    describe("readTexts", () => {
      const placesOf = async (run: RunKey) =>
        (await entriesOf(run)).flatMap(({ events }) =>
          events.flatMap(({ payload }) => payload.flatMap(({ place }) => place ?? [])),
        );

      it("gives texts in the order of their places, of many entries and repeated", async () => {
        const run = newRun();
        const values = Array.from({ length: 40 }, (_, index) => quoted(noise(100 + index, 9000)));
        await append(
          run,
          ...values.map((inputs, ms) => received(ms, { inputs, outputs: quoted(`out ${ms} ${noise(ms, 100)}`) })),
        );

        const places = await placesOf(run);
        const mixed = [...places.toReversed(), ...places.slice(0, 3)];
        const texts = new Map((await store.readTexts(run, places)).map((text, index) => [places[index], text]));
        expect([...texts.values()].filter((text) => values.some((value) => value.text === text))).toHaveLength(40);
        expect(await store.readTexts(run, mixed)).toEqual(mixed.map((place) => texts.get(place)));
      });

      it("gives undefined where a text is gone, and the others all the same", async () => {
        const run = newRun();
        const inputs = quoted(noise(10, 20_000));
        await append(run, received(0, { inputs }));
        const [place] = await placesOf(run);
        if (place === undefined) throw new Error("expected a payload that is kept elsewhere");

        const gone = { ...place, objectKey: `${place.objectKey}0` };
        expect(await store.readTexts(run, [gone, place, { ...place, position: 99 }])).toEqual([
          undefined,
          inputs.text,
          undefined,
        ]);
      });

      it("gives nothing for no places", async () => {
        expect(await store.readTexts(newRun(), [])).toEqual([]);
      });
    });

    it("keeps the service's own event as its own", async () => {
      const run = newRun();
      const { event, actor } = lost(5);
      await append(run, { ...arrivalOf([event], { actor }), source: "runstone" });

      expect(await entriesOf(run)).toMatchObject([{ actor: "service", source: "runstone" }]);
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      const { broken } = subject;
      const run = newRun();
      const readFrom = async () => {
        for await (const _ of broken.readFrom(run, { after: 0 })) throw new Error("expected no entry");
      };
      await expectRetryableFault(broken.append(run, newEntry(received(0))));
      await expectRetryableFault(broken.append(run, newEntry(received(0, { inputs: quoted(noise(11, 20_000)) }))));
      await expectRetryableFault(broken.claim(run, newEntry(claimBy(2, 0)), 2));
      await expectRetryableFault(broken.hasClaim(run, 2));
      await expectRetryableFault(broken.readAll(run));
      await expectRetryableFault(readFrom());
    });
  });
};
