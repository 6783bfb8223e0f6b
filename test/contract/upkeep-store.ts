import * as v from "valibot";
import { AppId, type AppKey, RunId, TenantId } from "../../shared/contract/identifiers.ts";
import type { RunStatus } from "../../shared/contract/run-status.ts";
import type { AppRegistry, KnownApp } from "../../shared/ports/app-registry.ts";
import type { AppUpkeep, StoredUpkeep, UpkeepStore } from "../../shared/ports/upkeep-store.ts";
import { instant } from "../support/builders.ts";
import { expectRetryableFault, type Subject, winnersAmong } from "./stored-faults.ts";

/** `apps` is the registry over the same storage. */
export interface UpkeepSubject extends Subject<UpkeepStore> {
  readonly apps: AppRegistry;
}

const keyOf = (tenantId: string, appId: string): AppKey => ({
  tenantId: v.parse(TenantId, tenantId),
  appId: v.parse(AppId, appId),
});

const NOTHING: AppUpkeep = {
  lostAfter: undefined,
  kept: undefined,
  retention: undefined,
  newest: undefined,
  outliving: undefined,
  span: undefined,
};

const place = { listedAt: instant(1), runId: v.parse(RunId, "run-1") };
const round = { begunAt: 5, version: 2, after: place, seen: 7, failed: 0, isOver: false };
const days: Record<RunStatus, number> = {
  scheduled: 1,
  running: 2,
  paused: 3,
  succeeded: 4,
  failed: 5,
  stopped: 6,
  "partial-succeeded": 7,
};
const EVERYTHING: AppUpkeep = {
  lostAfter: place,
  kept: { version: 3, days },
  retention: round,
  newest: { ...round, after: undefined, isOver: true },
  outliving: { ...round, failed: 3 },
  span: { longestDays: 30, past: [{ days: 7, until: 1_795_341_600_123 }] },
};

/** What every UpkeepStore keeps of its port's promises. */
export const upkeepStoreContract = (name: string, start: () => Promise<UpkeepSubject>): void => {
  describe(`${name} as an upkeep store`, () => {
    let subject: UpkeepSubject;
    let store: UpkeepStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    let apps = 0;
    const newApp = async (): Promise<AppKey> => {
      const key = keyOf("demo", `app-${++apps}`);
      await subject.apps.register(key.tenantId, { appId: key.appId, registeredAt: 9 });
      return key;
    };
    const rememberedOf = async ({ tenantId, appId }: AppKey): Promise<StoredUpkeep | undefined> =>
      (await subject.apps.listAll({ after: undefined, limit: 1000 })).find(
        (one): one is KnownApp => one.tenantId === tenantId && one.appId === appId,
      )?.upkeep;

    it.each([
      ["nothing in particular", NOTHING],
      ["everything", EVERYTHING],
    ])("remembers %s of an app, which is registered as before", async (_what, upkeep) => {
      const app = await newApp();
      expect(await rememberedOf(app)).toBeUndefined();
      expect(await store.keep(app, upkeep, 0)).toBe(true);

      expect(await rememberedOf(app)).toEqual({ upkeep, rev: 1 });
      expect(await subject.apps.list(app.tenantId, { after: undefined, limit: 1000 })).toContainEqual({
        appId: app.appId,
        registeredAt: 9,
      });
    });

    it("keeps what is remembered when the app is registered again", async () => {
      const app = await newApp();
      await store.keep(app, EVERYTHING, 0);
      await subject.apps.register(app.tenantId, { appId: app.appId, registeredAt: 10 });

      expect(await rememberedOf(app)).toEqual({ upkeep: EVERYTHING, rev: 1 });
    });

    it.each([0, 1, 3])("changes nothing where another rev is remembered than %i", async (rev) => {
      const app = await newApp();
      await store.keep(app, NOTHING, 0);
      await store.keep(app, EVERYTHING, 1);
      expect(await store.keep(app, NOTHING, rev)).toBe(false);

      expect(await rememberedOf(app)).toEqual({ upkeep: EVERYTHING, rev: 2 });
    });

    it("takes one of many at once", async () => {
      const app = await newApp();

      expect(await winnersAmong(Array.from({ length: 20 }, () => store.keep(app, EVERYTHING, 0)))).toBe(1);
    });

    it("remembers nothing of an app that is not registered, and does not register it", async () => {
      const app = keyOf("demo", "never-registered");
      expect(await store.keep(app, EVERYTHING, 0)).toBe(false);
      expect(await store.keep(app, EVERYTHING, 1)).toBe(false);

      expect(await subject.apps.list(app.tenantId, { after: "never", limit: 1 })).toEqual([]);
    });

    it("remembers where the walk goes on, and that it begins anew; no list of apps shows it", async () => {
      expect(await store.position()).toBeUndefined();
      await store.keepPosition(keyOf("demo", "app-1"));
      expect(await store.position()).toEqual(keyOf("demo", "app-1"));
      const listed = await subject.apps.listAll({ after: undefined, limit: 1000 });
      expect(listed.every(({ appId }) => appId?.startsWith("app-"))).toBe(true);
      const ofNoApp = { ...keyOf("demo", "app-1"), appId: undefined };
      await store.keepPosition(ofNoApp);
      expect(await store.position()).toEqual(ofNoApp);
      await store.keepPosition(undefined);

      expect(await store.position()).toBeUndefined();
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      await expectRetryableFault(subject.broken.keep(keyOf("t", "a"), NOTHING, 0));
      await expectRetryableFault(subject.broken.position());
      await expectRetryableFault(subject.broken.keepPosition(undefined));
    });
  });
};
