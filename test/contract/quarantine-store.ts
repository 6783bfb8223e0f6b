import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import type { QuarantineStore, RefusedMessage } from "../../shared/ports/quarantine-store.ts";
import { ZERO } from "../support/builders.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

const tenant = (id: string) => v.parse(TenantId, id);

const refused = (more: Partial<RefusedMessage>): RefusedMessage => ({
  tenantId: tenant("demo"),
  messageId: "message-1",
  index: 0,
  sentAt: ZERO,
  code: "INVALID_EVENT",
  errors: [{ path: "at", message: "required" }],
  body: '{"type":"run.started"}',
  ...more,
});

/** What every QuarantineStore keeps of its port's promises. */
export const quarantineStoreContract = (name: string, start: () => Promise<Subject<QuarantineStore>>): void => {
  describe(`${name} as a quarantine store`, () => {
    let subject: Subject<QuarantineStore>;
    let store: QuarantineStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    it("gives back all that is known of a refused event", async () => {
      const given = refused({
        tenantId: tenant("whole"),
        body: '{"a":"é\\ud800😀", "n" : 1.0}',
        index: 7,
        sentAt: ZERO + 123,
      });
      await store.put(given);

      expect(await store.list(tenant("whole"), 10)).toEqual([given]);
    });

    it("keeps a body as a whole, and one that is empty", async () => {
      const bodies = [
        refused({ tenantId: tenant("body"), index: undefined, body: "not json", messageId: "b" }),
        refused({ tenantId: tenant("body"), index: undefined, body: "", messageId: "a" }),
      ];
      for (const body of bodies) await store.put(body);

      expect(await store.list(tenant("body"), 10)).toEqual(bodies);
    });

    it("keeps what names no tenant for the operator alone", async () => {
      const given = refused({ tenantId: undefined, index: undefined, code: "NOT_JSON", body: "{" });
      await store.put(given);

      expect(await store.list(undefined, 10)).toEqual([given]);
      expect(await store.list(tenant("nobody"), 10)).toEqual([]);
    });

    it("lists newest first, as many as asked for", async () => {
      const given = [3, 1, 2].map((second) =>
        refused({ tenantId: tenant("order"), sentAt: ZERO + second * 1000, messageId: `m${9 - second}` }),
      );
      for (const one of given) await store.put(one);

      const newest = given.toSorted((a, b) => b.sentAt - a.sentAt);
      expect(await store.list(tenant("order"), 10)).toEqual(newest);
      expect(await store.list(tenant("order"), 2)).toEqual(newest.slice(0, 2));
    });

    it("keeps every part of every message apart", async () => {
      const given = [0, 1, 2, 10].flatMap((index) =>
        ["message-1", "message-2"].map((messageId) => refused({ tenantId: tenant("parts"), messageId, index })),
      );
      for (const one of given) await store.put(one);

      expect(await store.list(tenant("parts"), 100)).toHaveLength(given.length);
    });

    it("keeps a message as a whole apart from its first part", async () => {
      for (const index of [undefined, 0]) await store.put(refused({ tenantId: tenant("whole-and-part"), index }));

      expect(await store.list(tenant("whole-and-part"), 10)).toHaveLength(2);
    });

    it("is not changed by the same part of the same message again", async () => {
      const given = refused({ tenantId: tenant("again") });
      await store.put(given);
      await store.put(given);

      expect(await store.list(tenant("again"), 10)).toEqual([given]);
    });

    it("keeps tenants apart", async () => {
      for (const id of ["apart", "apart-2"]) await store.put(refused({ tenantId: tenant(id) }));

      expect(await store.list(tenant("apart"), 10)).toEqual([refused({ tenantId: tenant("apart") })]);
    });

    it("keeps a body of the size of a message", async () => {
      const given = refused({ tenantId: tenant("large"), body: randomBytes(400_000).toString("hex") });
      await store.put(given);

      expect(await store.list(tenant("large"), 10)).toEqual([given]);
    }, 20_000);

    it("lists as many as asked for, however long their bodies are", async () => {
      const given = Array.from({ length: 8 }, (_, index) =>
        refused({ tenantId: tenant("long"), index, body: randomBytes(180_000).toString("base64") }),
      );
      for (const one of given) await store.put(one);
      const indexes = async (limit: number) => (await store.list(tenant("long"), limit)).map(({ index }) => index);

      expect(await indexes(5)).toEqual([7, 6, 5, 4, 3]);
      expect(await indexes(100)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    }, 20_000);

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      await expectRetryableFault(subject.broken.put(refused({})));
      await expectRetryableFault(subject.broken.list(tenant("demo"), 1));
    });
  });
};
