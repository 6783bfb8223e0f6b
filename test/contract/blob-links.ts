import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { BlobLinks } from "../../shared/ports/blob-links.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";

/** Links to the objects of a store, as somebody serves them. */
export interface LinksSubject {
  readonly links: BlobLinks;
  readonly store: BlobStore;
  stop(): Promise<void> | void;
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64");

/** What every BlobLinks keeps of its port's promises, but for what it refuses: an emulator of S3 refuses nothing. */
export const blobLinksContract = (name: string, start: () => Promise<LinksSubject>): void => {
  describe(`${name} as blob links`, () => {
    let subject: LinksSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.stop());

    const time = () => ({ from: Date.now(), seconds: 60 });
    const bytes = Buffer.from(new Uint8Array(3_000_000).map((_, index) => index * 7));
    const expected = { sizeBytes: bytes.length, sha256: digestOf(bytes) };

    it("takes an object by the request that it describes", async () => {
      const { method, url, headers } = await subject.links.upload("2d/uploads/t-a:b/1", expected, time());

      const answer = await fetch(url, { method, headers, body: bytes });

      expect(answer.status).toBe(200);
      expect(Buffer.from((await subject.store.get("2d/uploads/t-a:b/1")) ?? []).equals(bytes)).toBe(true);
    });

    it("takes the same object again", async () => {
      const put = async () => {
        const { method, url, headers } = await subject.links.upload("2d/uploads/t-a/2", expected, time());
        return (await fetch(url, { method, headers, body: bytes })).status;
      };

      expect([await put(), await put()]).toEqual([200, 200]);
    });

    it("gives an object as bytes of any kind", async () => {
      await subject.store.put("65d/runs/t-a/r-..b/upload-1", bytes);

      const answer = await fetch(await subject.links.download("65d/runs/t-a/r-..b/upload-1", time()));

      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/octet-stream"]);
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    });

    it("gives gzipped JSON as what it is, so that a client unpacks it unasked", async () => {
      const text = `{ "n":1.0, "x":"${"ü".repeat(1_000_000)}"}`;
      await subject.store.put("65d/runs/t-a/r-b/01-0.json.gz", gzipSync(text));

      const answer = await fetch(await subject.links.download("65d/runs/t-a/r-b/01-0.json.gz", time()));

      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
      expect(answer.headers.get("content-encoding")).toBe("gzip");
      expect(await answer.text()).toBe(text);
    });

    it("gives a copy as its own key says", async () => {
      await subject.store.put("2d/uploads/t-a/3", gzipSync("{}"));
      await subject.store.copy("2d/uploads/t-a/3", "65d/runs/t-a/r-b/upload-3");
      await subject.store.put("65d/runs/t-a/r-b/02-0.json.gz", gzipSync("{}"));
      await subject.store.copy("65d/runs/t-a/r-b/02-0.json.gz", "held/runs/t-a/r-b/02-0.json.gz");
      const encodingOf = async (key: string) =>
        (await fetch(await subject.links.download(key, time()))).headers.get("content-encoding");

      expect(await encodingOf("65d/runs/t-a/r-b/upload-3")).toBeNull();
      expect(await encodingOf("held/runs/t-a/r-b/02-0.json.gz")).toBe("gzip");
    });

    it("leads nowhere where there is no object", async () => {
      const answer = await fetch(await subject.links.download("65d/runs/t-a/r-b/none", time()));

      expect(answer.status).toBe(404);
      expect(await answer.text()).toContain("<Code>NoSuchKey</Code>");
    });
  });
};
