import { createHash } from "node:crypto";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { SCOPES } from "../../shared/contract/routes.ts";
import type { Credential, CredentialStore } from "../../shared/ports/credential-store.ts";
import { expectRetryableFault, type Subject, winnersAmong } from "./stored-faults.ts";

const hashOf = (key: string): string => createHash("sha256").update(key).digest("hex");
const tenant = (id: string) => v.parse(TenantId, id);

const credential: Credential = {
  tenantId: tenant("demo"),
  scopes: ["ingest", "read"],
  name: "a key for tests",
  createdAt: 1_795_341_600_123,
  expiresAt: undefined,
  revokedAt: undefined,
  lastUsedOn: undefined,
};

/** What every CredentialStore keeps of its port's promises. */
export const credentialStoreContract = (name: string, start: () => Promise<Subject<CredentialStore>>): void => {
  describe(`${name} as a credential store`, () => {
    let subject: Subject<CredentialStore>;
    let store: CredentialStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    it.each<[string, Credential]>([
      ["without an end", credential],
      ["with an end", { ...credential, expiresAt: 1_795_341_600_123 }],
      ["that was revoked", { ...credential, revokedAt: 1_795_341_600_124 }],
      ["that was used", { ...credential, lastUsedOn: "2026-11-22" }],
      ["of every scope", { ...credential, scopes: SCOPES }],
      ["of no scope and no name", { ...credential, scopes: [], name: "" }],
    ])("finds a credential %s by its hash", async (what, given) => {
      await store.put(hashOf(what), given);

      expect(await store.find(hashOf(what))).toEqual({ ...given, sha256: hashOf(what) });
    });

    it("finds nothing for a hash that stands for nothing", async () => {
      expect(await store.find(hashOf("nothing"))).toBeUndefined();
    });

    it("keeps the first credential of a hash, whoever puts another", async () => {
      await store.put(hashOf("again"), credential);
      await store.put(hashOf("again"), credential);
      await store.put(hashOf("again"), { ...credential, tenantId: tenant("thief"), scopes: SCOPES });

      expect(await store.find(hashOf("again"))).toEqual({ ...credential, sha256: hashOf("again") });
      expect(await store.list(tenant("thief"))).toEqual([]);
    });

    it("keeps credentials apart", async () => {
      const other = { ...credential, tenantId: tenant("acme") };
      await store.put(hashOf("one"), credential);
      await store.put(hashOf("other"), other);

      expect(await store.find(hashOf("one"))).toMatchObject(credential);
      expect(await store.find(hashOf("other"))).toMatchObject(other);
    });

    describe("revoking", () => {
      it("counts at once, from the time that was given", async () => {
        await store.put(hashOf("revoked"), { ...credential, expiresAt: 5 });

        expect(await store.revoke(hashOf("revoked"), 1000)).toBe(1000);

        expect(await store.find(hashOf("revoked"))).toMatchObject({ ...credential, expiresAt: 5, revokedAt: 1000 });
      });

      it("again keeps the first time", async () => {
        await store.put(hashOf("revoked twice"), credential);
        await store.revoke(hashOf("revoked twice"), 1000);

        expect(await store.revoke(hashOf("revoked twice"), 2000)).toBe(1000);

        expect(await store.find(hashOf("revoked twice"))).toMatchObject({ revokedAt: 1000 });
      });

      it("is not undone by putting the credential again", async () => {
        await store.put(hashOf("revoked and put"), credential);
        await store.revoke(hashOf("revoked and put"), 1000);
        await store.put(hashOf("revoked and put"), credential);

        expect(await store.find(hashOf("revoked and put"))).toMatchObject({ revokedAt: 1000 });
      });

      it("a hash that stands for nothing makes nothing", async () => {
        expect(await store.revoke(hashOf("never there"), 1000)).toBeUndefined();
        expect(await store.find(hashOf("never there"))).toBeUndefined();
      });
    });

    describe("a use", () => {
      const usedOn = async (key: string) => (await store.find(hashOf(key)))?.lastUsedOn;

      it("is noted once a day, and never backwards", async () => {
        await store.put(hashOf("used"), credential);

        const noted = [];
        for (const day of ["2026-11-22", "2026-11-22", "2026-11-21", "2026-11-23"]) {
          noted.push(await store.recordUse(hashOf("used"), day));
        }

        expect(noted).toEqual([true, false, false, true]);
        expect(await store.find(hashOf("used"))).toMatchObject({ ...credential, lastUsedOn: "2026-11-23" });
      });

      it("is noted by one of many at once", async () => {
        await store.put(hashOf("used at once"), credential);

        const calls = Array.from({ length: 10 }, () => store.recordUse(hashOf("used at once"), "2026-11-22"));

        expect(await winnersAmong(calls)).toBe(1);
        expect(await usedOn("used at once")).toBe("2026-11-22");
      });

      it("of a hash that stands for nothing makes nothing", async () => {
        expect(await store.recordUse(hashOf("never used"), "2026-11-22")).toBe(false);
        expect(await store.find(hashOf("never used"))).toBeUndefined();
      });
    });

    describe("the list", () => {
      it("has every key of a tenant as it is now, and no other's", async () => {
        for (const id of ["listed", "listed-2", "liste", "listed."]) {
          await store.put(hashOf(`of ${id}`), { ...credential, tenantId: tenant(id) });
        }
        await store.put(hashOf("a second"), { ...credential, tenantId: tenant("listed"), name: "a second" });
        await store.revoke(hashOf("a second"), 7);
        await store.recordUse(hashOf("of listed"), "2026-11-22");

        const listed = await store.list(tenant("listed"));

        const first = { ...credential, tenantId: "listed", sha256: hashOf("of listed"), lastUsedOn: "2026-11-22" };
        const second = {
          ...credential,
          tenantId: "listed",
          sha256: hashOf("a second"),
          revokedAt: 7,
          name: "a second",
        };
        expect(listed).toEqual([first, second].toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)));
        expect(await store.list(tenant("nobody"))).toEqual([]);
      });

      it("of everybody is in order of tenant and hash, however many there are", async () => {
        const many = Array.from({ length: 230 }, (_, index) => `key ${index}`);
        await Promise.all(
          many.map((key, index) => store.put(hashOf(key), { ...credential, tenantId: tenant(`many-${index % 3}`) })),
        );

        const listed = await store.list(undefined);

        const places = listed.map(({ tenantId, sha256 }) => `${tenantId}#${sha256}`);
        expect(places).toEqual(places.toSorted());
        expect(new Set(places).size).toBe(places.length);
        const hashes = new Set(listed.map(({ sha256 }) => sha256));
        expect(many.filter((key) => !hashes.has(hashOf(key)))).toEqual([]);
      });
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      const { broken } = subject;
      await expectRetryableFault(broken.put(hashOf("a"), credential));
      await expectRetryableFault(broken.find(hashOf("a")));
      await expectRetryableFault(broken.revoke(hashOf("a"), 1));
      await expectRetryableFault(broken.recordUse(hashOf("a"), "2026-11-22"));
      await expectRetryableFault(broken.list(undefined));
    });
  });
};
