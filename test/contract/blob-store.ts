import type { BlobStore } from "../../shared/ports/blob-store.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

/** What every BlobStore keeps of its port's promises. */
export const blobStoreContract = (name: string, start: () => Promise<Subject<BlobStore>>): void => {
  describe(`${name} as a blob store`, () => {
    let subject: Subject<BlobStore>;
    let store: BlobStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    const every = new Uint8Array(256).map((_, index) => index);
    const bytesOf = async (key: string) => {
      const found = await store.get(key);
      return found && [...found];
    };

    it("gives back the bytes that were put, of every value", async () => {
      await store.put("runs/demo/every/1", every);

      expect(await bytesOf("runs/demo/every/1")).toEqual([...every]);
    });

    it("keeps an empty object", async () => {
      await store.put("runs/demo/empty/1", new Uint8Array());

      expect(await bytesOf("runs/demo/empty/1")).toEqual([]);
    });

    it("keeps a part of a larger buffer, and not the rest", async () => {
      await store.put("runs/demo/part/1", every.subarray(10, 13));

      expect(await bytesOf("runs/demo/part/1")).toEqual([10, 11, 12]);
    });

    it("keeps a large object", async () => {
      const large = Buffer.alloc(5_000_000, every);
      await store.put("runs/demo/large/1", large);

      expect(Buffer.from((await store.get("runs/demo/large/1")) ?? []).equals(large)).toBe(true);
    });

    it("has nothing under a key that nothing was put under", async () => {
      expect(await store.get("runs/demo/none/1")).toBeUndefined();
      expect(await store.get("none")).toBeUndefined();
    });

    it("takes the same object again", async () => {
      await store.put("runs/demo/again/1", every);
      await store.put("runs/demo/again/1", every);

      expect(await bytesOf("runs/demo/again/1")).toEqual([...every]);
    });

    it("takes the same object from many at once, and shows it whole all the time", async () => {
      const large = Buffer.alloc(300_000, every);
      await store.put("runs/demo/many/1", large);

      const reads = Array.from({ length: 10 }, async () => {
        await store.put("runs/demo/many/1", large);
        return Buffer.from((await store.get("runs/demo/many/1")) ?? []).equals(large);
      });
      expect(await Promise.all(reads)).toEqual(Array.from({ length: 10 }, () => true));
    });

    it("keeps objects apart whose keys hold ids of any kind", async () => {
      const ids = ["a", "a.b", "a:b", "a_b", "a-b", ".", "..", "...", ":", "a.", ".a", "-", "x".repeat(128)];
      const keys = ids.flatMap((id) => [
        `runs/t-demo/r-${id}/1`,
        `runs/t-${id}/r-demo/1`,
        `graphs/t-demo/a-${id}/202611/d`,
      ]);
      await Promise.all(keys.map((key) => store.put(key, Buffer.from(key))));

      const found = await Promise.all(keys.map(async (key) => Buffer.from((await store.get(key)) ?? []).toString()));
      expect(found).toEqual(keys);
    });

    it("removes an object, and no other", async () => {
      await store.put("runs/demo/removed/1", every);
      await store.put("runs/demo/removed/2", every);
      await store.remove("runs/demo/removed/1");

      expect(await store.get("runs/demo/removed/1")).toBeUndefined();
      expect(await bytesOf("runs/demo/removed/2")).toEqual([...every]);
    });

    it("removes what is not there", async () => {
      await expect(store.remove("runs/demo/never/1")).resolves.toBeUndefined();
    });

    it("takes an object again after it was removed", async () => {
      await store.put("runs/demo/back/1", every);
      await store.remove("runs/demo/back/1");
      await store.put("runs/demo/back/1", every);

      expect(await bytesOf("runs/demo/back/1")).toEqual([...every]);
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      await expectRetryableFault(subject.broken.put("runs/demo/a/1", every));
      await expectRetryableFault(subject.broken.get("runs/demo/a/1"));
      await expectRetryableFault(subject.broken.remove("runs/demo/a/1"));
    });
  });
};
