import { objectUrl } from "../../shared/s3/object-url.ts";

const KEY = "runs/t-demo/r-1/01A";

describe("the URL of an object", () => {
  it("names the bucket in the host of its region", () => {
    expect(objectUrl({ bucket: "ledger", region: "eu-central-1" }, KEY)).toBe(
      "https://ledger.s3.eu-central-1.amazonaws.com/runs/t-demo/r-1/01A",
    );
  });

  it("has the domain of the partition of China", () => {
    expect(objectUrl({ bucket: "ledger", region: "cn-north-1" }, KEY)).toBe(
      "https://ledger.s3.cn-north-1.amazonaws.com.cn/runs/t-demo/r-1/01A",
    );
  });

  it("names the bucket in the path where a server is named", () => {
    const place = { bucket: "ledger", region: "us-east-1", endpoint: "http://127.0.0.1:4566" };

    expect(objectUrl(place, KEY)).toBe("http://127.0.0.1:4566/ledger/runs/t-demo/r-1/01A");
  });

  it("is left by no key", () => {
    const place = { bucket: "ledger", region: "us-east-1" };
    const marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n";
    for (const mark of marks) {
      const url = objectUrl(place, `a/b${mark}c/d`);

      expect(new URL(url).href).toBe(url);
      expect(decodeURIComponent(new URL(url).pathname)).toBe(`/a/b${mark}c/d`);
      expect(url).not.toMatch(/[!'()*]/);
    }
  });

  it.each(["", ".", "..", "...", "a/.", "../a", "a/../b", "a/./b"])("is refused for the key %j", (key) => {
    expect(() => objectUrl({ bucket: "ledger", region: "us-east-1" }, key)).toThrow(RangeError);
  });
});
