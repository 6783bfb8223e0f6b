import * as v from "valibot";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import type { AppRegistry, KnownApp, UnknownApp } from "../../shared/ports/app-registry.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

/** `another` is a second process over the same storage. */
export interface AppRegistrySubject extends Subject<AppRegistry> {
  readonly another: AppRegistry;
}

const tenant = (id: string) => v.parse(TenantId, id);
const app = (id: string, registeredAt = 1) => ({ appId: v.parse(AppId, id), registeredAt });
const ALL = { after: undefined, limit: 1000 };

/** What every AppRegistry keeps of its port's promises. */
export const appRegistryContract = (name: string, start: () => Promise<AppRegistrySubject>): void => {
  describe(`${name} as an app registry`, () => {
    let subject: AppRegistrySubject;
    let store: AppRegistry;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    const everything = async (limit: number): Promise<(KnownApp | UnknownApp)[]> => {
      const found: (KnownApp | UnknownApp)[] = [];
      for (let page: typeof found = []; found.length === 0 || page.length === limit; found.push(...page)) {
        page = await store.listAll({ after: found.at(-1), limit });
      }
      return found;
    };

    it("lists the apps that were registered, with their time", async () => {
      await store.register(tenant("plain"), app("a", 1_795_341_600_123));

      expect(await store.list(tenant("plain"), ALL)).toEqual([app("a", 1_795_341_600_123)]);
    });

    it("keeps the first registration, whoever registers again", async () => {
      await store.register(tenant("first"), app("a", 5));
      await store.register(tenant("first"), app("a", 9));
      await subject.another.register(tenant("first"), app("a", 3));

      expect(await store.list(tenant("first"), ALL)).toEqual([app("a", 5)]);
    });

    it("keeps one registration of many at once", async () => {
      const many = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? store : subject.another));
      await Promise.all(many.map((registry, index) => registry.register(tenant("many"), app("a", index))));

      expect(await store.list(tenant("many"), ALL)).toHaveLength(1);
    });

    it("lists in the order of app ids, from after one on, as many as asked for", async () => {
      const ids = ["b", "a", "a.b", "a:b", "B", "a-b", "a_b", "10", "9", "~".replace("~", "z"), "x".repeat(128)];
      for (const id of ids) await store.register(tenant("order"), app(id));
      const sorted = ids.toSorted((one, other) => (one < other ? -1 : 1));
      const idsOf = async (after: string | undefined, limit: number) =>
        (await store.list(tenant("order"), { after, limit })).map(({ appId }) => appId);

      expect(await idsOf(undefined, 1000)).toEqual(sorted);
      expect(await idsOf(undefined, 3)).toEqual(sorted.slice(0, 3));
      for (const [index, id] of sorted.entries()) expect(await idsOf(id, 1000)).toEqual(sorted.slice(index + 1));
      expect(await idsOf("aa", 1000)).toEqual(sorted.filter((id) => id > "aa"));
    });

    it("keeps tenants apart, also those whose ids begin alike", async () => {
      for (const id of ["apart", "apart-2", "apart.", "apar"]) await store.register(tenant(id), app(`of-${id}`));

      expect(await store.list(tenant("apart"), ALL)).toEqual([app("of-apart")]);
      expect(await store.list(tenant("nobody"), ALL)).toEqual([]);
    });

    it("lists the apps of all tenants, page after page, and nothing but apps", async () => {
      for (const id of ["all", "all-2", "all.", "ALL", "al:l"]) {
        for (const one of ["a", "B", "0", "a.b"]) await store.register(tenant(id), app(one, 7));
      }
      const found = await everything(3);
      const names = found.map(({ tenantId, appId }) => `${tenantId} ${appId}`);
      expect(new Set(names).size).toBe(names.length);
      const mine = found.filter(({ tenantId }) => ["all", "all-2", "all.", "ALL", "al:l"].includes(tenantId));
      expect(mine).toHaveLength(20);
      expect(mine[0]).toEqual({ tenantId: "ALL", ...app("0", 7), upkeep: undefined });
      for (const tenantId of new Set(found.map((one) => one.tenantId))) {
        const listed = await store.list(tenantId, ALL);
        const itsOwn = found.filter((one) => one.tenantId === tenantId && one.appId !== undefined);
        expect(itsOwn.map(({ appId }) => appId)).toEqual(listed.map(({ appId }) => appId));
      }
    });

    it("knows a tenant's runs whose app is not known, before its apps: once, and as no app", async () => {
      const of = (id: string) => ({ tenantId: tenant(id), appId: undefined, registeredAt: 3 });
      for (const id of ["none", "none-2"]) await store.register(tenant(id), { appId: undefined, registeredAt: 3 });
      await store.register(tenant("none"), { appId: undefined, registeredAt: 5 });
      await subject.another.register(tenant("none"), { appId: undefined, registeredAt: 7 });
      await store.register(tenant("none"), app("-"));

      for (const limit of [1, 2, 1000]) {
        const found = (await everything(limit)).filter(({ tenantId }) => tenantId.startsWith("none"));
        expect(found).toEqual([of("none"), { tenantId: "none", ...app("-"), upkeep: undefined }, of("none-2")]);
      }
      expect(await store.list(tenant("none"), ALL)).toEqual([app("-")]);
      expect(await store.list(tenant("none"), { after: "", limit: 1 })).toEqual([app("-")]);
      expect(await store.list(tenant("none-2"), ALL)).toEqual([]);
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      await expectRetryableFault(subject.broken.register(tenant("t"), app("a")));
      await expectRetryableFault(subject.broken.register(tenant("t"), app("a")));
      await expectRetryableFault(subject.broken.list(tenant("t"), ALL));
      await expectRetryableFault(subject.broken.listAll(ALL));
    });
  });
};
