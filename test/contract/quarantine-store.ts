import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import type { QuarantineQuery, QuarantineStore, RefusedMessage } from "../../shared/ports/quarantine-store.ts";
import { ZERO } from "../support/builders.ts";
import { quarantined } from "../support/quarantine.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

const tenant = (id: string) => v.parse(TenantId, id);

const refused = (more: Partial<RefusedMessage>): RefusedMessage => ({
  tenantId: tenant("demo"),
  messageId: "message-1",
  index: 0,
  sentAt: ZERO,
  runId: "run-1",
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
        redaction: { digest: "0123456789abcdef".repeat(2), fields: ["inputs", "half \ud800"] },
      });
      await store.put(given);

      expect(await quarantined(store, tenant("whole"))).toEqual([given]);
    });

    it("keeps a body as a whole, and one that is empty", async () => {
      const bodies = [
        refused({ tenantId: tenant("body"), index: undefined, body: "not json", messageId: "b" }),
        refused({ tenantId: tenant("body"), index: undefined, body: "", messageId: "a" }),
      ];
      for (const body of bodies) await store.put(body);

      expect(await quarantined(store, tenant("body"))).toEqual(bodies);
    });

    it("keeps what names no tenant for the operator alone", async () => {
      const given = refused({ tenantId: undefined, index: undefined, code: "NOT_JSON", body: "{" });
      await store.put(given);

      expect(await quarantined(store, undefined)).toEqual([given]);
      expect(await quarantined(store, tenant("nobody"))).toEqual([]);
    });

    it("lists newest first, as many as asked for", async () => {
      const given = [3, 1, 2].map((second) =>
        refused({ tenantId: tenant("order"), sentAt: ZERO + second * 1000, messageId: `m${9 - second}` }),
      );
      for (const one of given) await store.put(one);

      const newest = given.toSorted((a, b) => b.sentAt - a.sentAt);
      expect(await quarantined(store, tenant("order"))).toEqual(newest);
      expect(await quarantined(store, tenant("order"), { limit: 2 })).toEqual(newest.slice(0, 2));
    });

    it("keeps every part of every message apart", async () => {
      const given = [0, 1, 2, 10].flatMap((index) =>
        ["message-1", "message-2"].map((messageId) => refused({ tenantId: tenant("parts"), messageId, index })),
      );
      for (const one of given) await store.put(one);

      expect(await quarantined(store, tenant("parts"))).toHaveLength(given.length);
    });

    it("keeps a message as a whole apart from its first part", async () => {
      for (const index of [undefined, 0]) await store.put(refused({ tenantId: tenant("whole-and-part"), index }));

      expect(await quarantined(store, tenant("whole-and-part"))).toHaveLength(2);
    });

    it("is not changed by the same part of the same message again", async () => {
      const given = refused({ tenantId: tenant("again") });
      await store.put(given);
      await store.put(given);

      expect(await quarantined(store, tenant("again"))).toEqual([given]);
    });

    it("keeps tenants apart", async () => {
      for (const id of ["apart", "apart-2"]) await store.put(refused({ tenantId: tenant(id) }));

      expect(await quarantined(store, tenant("apart"))).toEqual([refused({ tenantId: tenant("apart") })]);
    });

    it("keeps a body of the size of a message", async () => {
      const given = refused({ tenantId: tenant("large"), body: randomBytes(400_000).toString("hex") });
      await store.put(given);

      expect(await quarantined(store, tenant("large"))).toEqual([given]);
    }, 20_000);

    it("lists as many as asked for, however long their bodies are", async () => {
      const given = Array.from({ length: 8 }, (_, index) =>
        refused({ tenantId: tenant("long"), index, body: randomBytes(180_000).toString("base64") }),
      );
      for (const one of given) await store.put(one);
      const indexes = async (limit: number) =>
        (await quarantined(store, tenant("long"), { limit })).map(({ index }) => index);

      expect(await indexes(5)).toEqual([7, 6, 5, 4, 3]);
      expect(await indexes(100)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    }, 20_000);

    it("goes on after any position, in both orders, and leaves out what was sent too early", async () => {
      const owner = tenant("paged");
      const given = [0, 1, 1, 2, 3].map((second, index) =>
        refused({ tenantId: owner, sentAt: ZERO + second * 1000, messageId: `m${index}`, index }),
      );
      for (const one of given) await store.put(one);
      const names = async (query: Partial<QuarantineQuery>) =>
        (await quarantined(store, owner, query)).map(({ messageId }) => messageId);

      expect(await names({ isOldestFirst: true })).toEqual(["m0", "m1", "m2", "m3", "m4"]);
      expect(await names({ after: given[2], limit: 2 })).toEqual(["m1", "m0"]);
      expect(await names({ after: given[2], isOldestFirst: true })).toEqual(["m3", "m4"]);
      expect(await names({ after: given[2], isOldestFirst: true, limit: 1 })).toEqual(["m3"]);
      expect(await names({ after: given[0] })).toEqual([]);
      const sentSince = ZERO + 1000;
      expect(await names({ sentSince })).toEqual(["m4", "m3", "m2", "m1"]);
      expect(await names({ sentSince, isOldestFirst: true })).toEqual(["m1", "m2", "m3", "m4"]);
      expect(await names({ sentSince, after: given[0], isOldestFirst: true })).toEqual(["m1", "m2", "m3", "m4"]);
      const later = { sentSince: ZERO + 2000, after: given[0] as RefusedMessage };
      expect(await names({ ...later, isOldestFirst: true })).toEqual(["m3", "m4"]);
      expect(await names({ sentSince, after: given[1] })).toEqual([]);
      expect(await names({ sentSince, after: given[0] })).toEqual([]);
    });

    it("goes on where a position was removed in the meantime", async () => {
      const owner = tenant("removed-between");
      const given = [1, 2, 3].map((index) => refused({ tenantId: owner, index }));
      for (const one of given) await store.put(one);
      await store.remove(owner, given[1] as RefusedMessage);

      const left = await quarantined(store, owner, { after: given[1], isOldestFirst: true });
      expect(left.map(({ index }) => index)).toEqual([3]);
      expect((await quarantined(store, owner, { after: given[1] })).map(({ index }) => index)).toEqual([1]);
    });

    it.each([
      ["in the item", "short"],
      ["in an object", randomBytes(400_000).toString("base64")],
    ])("finds a message by its position, its body %s", async (where, body) => {
      const owner = tenant(`find-${where.replaceAll(" ", "-")}`);
      const given = refused({ tenantId: owner, messageId: "findable", index: undefined, body });
      await store.put(given);

      const found = await store.find(owner, given);

      expect(found).toMatchObject({ messageId: "findable", index: undefined, sentAt: ZERO, runId: "run-1" });
      expect(found?.expiresAt).toBe(ZERO / 1000 + 14 * 86_400);
      expect((await found?.readBody()) === body).toBe(true);
      expect(await store.find(owner, { ...given, index: 0 })).toBeUndefined();
      expect(await store.find(tenant("nobody"), given)).toBeUndefined();
      expect(await store.find(undefined, given)).toBeUndefined();
    });

    it("says anew why a message is refused, and keeps all else", async () => {
      const owner = tenant("reasons");
      const given = refused({ tenantId: owner });
      await store.put(given);
      const reasons = { code: "UNKNOWN_EPOCH", errors: [{ path: "epoch", message: "expected another" }] };

      expect(await store.replaceReasons(owner, given, reasons)).toBe(true);
      expect(await quarantined(store, owner)).toEqual([{ ...given, ...reasons }]);
    });

    it("does not put back what is not there", async () => {
      const owner = tenant("not-back");
      const given = refused({ tenantId: owner });

      expect(await store.replaceReasons(owner, given, given)).toBe(false);
      expect(await quarantined(store, owner)).toEqual([]);
    });

    it.each([
      ["in its item", "short"],
      ["in an object", randomBytes(400_000).toString("base64")],
    ])("removes a message and its body %s, once, and no other", async (where, body) => {
      const owner = tenant(`remove-${where.replaceAll(" ", "-")}`);
      const [given, other] = [0, 1].map((index) => refused({ tenantId: owner, index, body })) as [
        RefusedMessage,
        RefusedMessage,
      ];
      for (const one of [given, other]) await store.put(one);
      const before = await store.find(owner, given);

      expect(await store.remove(owner, given)).toBe(true);
      expect(await store.remove(owner, given)).toBe(false);
      expect(await store.find(owner, given)).toBeUndefined();
      expect(await quarantined(store, owner)).toEqual([other]);
      if (where.includes("object")) expect(await before?.readBody()).toBeUndefined();
    });

    it("keeps names that are no well-formed text", async () => {
      const owner = tenant("surrogates");
      await store.put(
        refused({ tenantId: owner, runId: "\ud800", errors: [{ path: "a\udc00", message: "came twice" }] }),
      );

      expect(await quarantined(store, owner)).toMatchObject([{ runId: "\ufffd", errors: [{ path: "a\ufffd" }] }]);
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      const { broken } = subject;
      await expectRetryableFault(broken.put(refused({})));
      await expectRetryableFault(quarantined(broken, tenant("demo")));
      await expectRetryableFault(broken.find(tenant("demo"), refused({})));
      await expectRetryableFault(broken.replaceReasons(tenant("demo"), refused({}), refused({})));
      await expectRetryableFault(broken.remove(tenant("demo"), refused({})));
    });
  });
};
