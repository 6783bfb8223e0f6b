import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import type { Tenant, TenantStore } from "../../shared/ports/tenant-store.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

const tenant = (id: string, of: Partial<Tenant> = {}): Tenant => ({
  tenantId: v.parse(TenantId, id),
  plan: "standard",
  usageKey: `usage-key-of-${id}-0123456789`,
  admittedAt: 1_795_341_600_123,
  ...of,
});

/** What every TenantStore keeps of its port's promises. */
export const tenantStoreContract = (name: string, start: () => Promise<Subject<TenantStore>>): void => {
  describe(`${name} as a tenant store`, () => {
    let subject: Subject<TenantStore>;
    let store: TenantStore;
    beforeEach(async () => {
      subject = await start();
      store = subject.store;
    });
    afterEach(() => subject.stop());

    it("finds a tenant that was admitted, and no other", async () => {
      await store.put(tenant("acme"));

      expect(await store.find(tenant("acme").tenantId)).toEqual(tenant("acme"));
      for (const id of ["acm", "acme.", "ACME"]) expect(await store.find(tenant(id).tenantId)).toBeUndefined();
    });

    it("takes a new plan and key, and keeps when the tenant was first admitted", async () => {
      await store.put(tenant("acme"));
      await store.put(tenant("acme", { plan: "large", usageKey: "another-usage-key-0123456789", admittedAt: 9e12 }));

      const changed = tenant("acme", { plan: "large", usageKey: "another-usage-key-0123456789" });
      expect(await store.find(changed.tenantId)).toEqual(changed);
      expect(await store.list()).toEqual([changed]);
    });

    it("lists every tenant once, in order of id, however many there are", async () => {
      const ids = [...Array.from({ length: 120 }, (_, index) => `t-${index}`), "B", "a", "a.b", "a:b", "_"];
      await Promise.all(ids.map((id) => store.put(tenant(id))));
      await store.put(tenant("a"));

      const listed = await store.list();

      expect(listed.map(({ tenantId }) => tenantId)).toEqual(ids.toSorted((one, other) => (one < other ? -1 : 1)));
    });

    it("lists nobody where nobody was admitted", async () => {
      expect(await store.list()).toEqual([]);
    });

    it("forgets a tenant that is removed, and no other, whatever is repeated", async () => {
      await store.put(tenant("acme"));
      await store.put(tenant("acme-2"));

      expect(await store.remove(tenant("acme").tenantId)).toBe(true);
      expect(await store.remove(tenant("acme").tenantId)).toBe(false);

      expect(await store.find(tenant("acme").tenantId)).toBeUndefined();
      expect(await store.list()).toEqual([tenant("acme-2")]);
    });

    it("admits a tenant anew that was removed", async () => {
      await store.put(tenant("acme"));
      await store.remove(tenant("acme").tenantId);
      await store.put(tenant("acme", { admittedAt: 9 }));

      expect(await store.list()).toEqual([tenant("acme", { admittedAt: 9 })]);
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      await expectRetryableFault(subject.broken.put(tenant("acme")));
      await expectRetryableFault(subject.broken.remove(tenant("acme").tenantId));
      await expectRetryableFault(subject.broken.find(tenant("acme").tenantId));
      await expectRetryableFault(subject.broken.list());
    });
  });
};
