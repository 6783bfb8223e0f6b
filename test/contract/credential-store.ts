import { createHash } from "node:crypto";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { SCOPES } from "../../shared/contract/routes.ts";
import type { Credential, CredentialStore } from "../../shared/ports/credential-store.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

const hashOf = (key: string): string => createHash("sha256").update(key).digest("hex");

const credential: Credential = {
  tenantId: v.parse(TenantId, "demo"),
  scopes: ["ingest", "read"],
  name: "a key for tests",
  expiresAt: undefined,
  isRevoked: false,
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
      ["that was revoked", { ...credential, isRevoked: true }],
      ["of every scope", { ...credential, scopes: SCOPES }],
      ["of no scope and no name", { ...credential, scopes: [], name: "" }],
    ])("finds a credential %s by its hash", async (what, given) => {
      await store.put(hashOf(what), given);

      expect(await store.find(hashOf(what))).toEqual(given);
    });

    it("finds nothing for a hash that stands for nothing", async () => {
      expect(await store.find(hashOf("nothing"))).toBeUndefined();
    });

    it("takes the same again", async () => {
      await store.put(hashOf("again"), credential);
      await store.put(hashOf("again"), credential);

      expect(await store.find(hashOf("again"))).toEqual(credential);
    });

    it("knows of a revocation at once", async () => {
      await store.put(hashOf("revoked"), { ...credential, expiresAt: 5 });
      await store.put(hashOf("revoked"), { ...credential, isRevoked: true });

      expect(await store.find(hashOf("revoked"))).toEqual({ ...credential, isRevoked: true });
    });

    it("keeps credentials apart", async () => {
      const other = { ...credential, tenantId: v.parse(TenantId, "acme") };
      await store.put(hashOf("one"), credential);
      await store.put(hashOf("other"), other);

      expect(await store.find(hashOf("one"))).toEqual(credential);
      expect(await store.find(hashOf("other"))).toEqual(other);
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      await expectRetryableFault(subject.broken.put(hashOf("a"), credential));
      await expectRetryableFault(subject.broken.find(hashOf("a")));
    });
  });
};
