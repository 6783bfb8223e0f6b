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

    it("lists the keys that begin so, and no others", async () => {
      const keys = ["65d/runs/t-a/r-1/b", "65d/runs/t-a/r-1/a", "65d/runs/t-a/r-1/g:1/x&y", "65d/runs/t-a/r-12/a"];
      for (const key of keys) await store.put(key, every);

      expect(await Array.fromAsync(store.list("65d/runs/t-a/r-1/"))).toEqual([
        "65d/runs/t-a/r-1/a",
        "65d/runs/t-a/r-1/b",
        "65d/runs/t-a/r-1/g:1/x&y",
      ]);
      expect(await Array.fromAsync(store.list("65d/runs/t-b/"))).toEqual([]);
    });

    it("tells how large an object is, without its bytes", async () => {
      await store.put("runs/demo/size/1", Buffer.alloc(70_000, every));
      await store.put("runs/demo/size/0", new Uint8Array());

      expect(await store.sizeOf("runs/demo/size/1")).toBe(70_000);
      expect(await store.sizeOf("runs/demo/size/0")).toBe(0);
      expect(await store.sizeOf("runs/demo/size/2")).toBeUndefined();
    });

    it("copies an object, of which the first can then be removed", async () => {
      await store.put("2d/uploads/t-demo/a:b c", every);

      expect(await store.copy("2d/uploads/t-demo/a:b c", "65d/runs/t-demo/r-..b/copy")).toBe(true);
      await store.remove("2d/uploads/t-demo/a:b c");
      expect(await bytesOf("65d/runs/t-demo/r-..b/copy")).toEqual([...every]);
    });

    it("copies over an object that is there, and an object over itself", async () => {
      await store.put("runs/demo/copy/1", every);
      await store.put("runs/demo/copy/2", Buffer.from("other"));

      expect(await store.copy("runs/demo/copy/1", "runs/demo/copy/2")).toBe(true);
      expect(await store.copy("runs/demo/copy/2", "runs/demo/copy/2")).toBe(true);
      expect(await bytesOf("runs/demo/copy/2")).toEqual([...every]);
    });

    it("copies nothing where there is nothing, and leaves what is there", async () => {
      await store.put("runs/demo/copy/3", every);

      expect(await store.copy("runs/demo/copy/none", "runs/demo/copy/3")).toBe(false);
      expect(await store.copy("runs/demo/copy/none", "runs/demo/copy/none")).toBe(false);
      expect(await bytesOf("runs/demo/copy/3")).toEqual([...every]);
      expect(await bytesOf("runs/demo/copy/none")).toBeUndefined();
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
      await expectRetryableFault(subject.broken.sizeOf("runs/demo/a/1"));
      await expectRetryableFault(subject.broken.copy("runs/demo/a/1", "runs/demo/a/2"));
      await expectRetryableFault(subject.broken.remove("runs/demo/a/1"));
    });
  });
};
