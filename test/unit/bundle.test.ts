import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleFunction, FUNCTIONS, MOST_BUNDLE_BYTES } from "../../build/bundle.ts";

describe("the bundle of each function", () => {
  const directory = mkdtempSync(join(tmpdir(), "runstone-bundles-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(FUNCTIONS)("%s is one file of at most 450 KiB with nothing left to look up", (name) => {
    const { file, sizeBytes, metafile } = bundleFunction(name, directory);
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);

    expect(sizeBytes).toBeLessThanOrEqual(MOST_BUNDLE_BYTES);
    expect(imports.filter(({ path }) => !/^(node:)?[a-z_]+(\/promises)?$/.test(path))).toEqual([]);
    expect(readFileSync(file, "utf8")).not.toContain(process.cwd());
  });

  test("is the same bytes each time, so that a deployment without a change changes nothing", () => {
    const [first, second] = ["first", "second"].map((part) => bundleFunction("query", join(directory, part)));
    expect(readFileSync(first?.file ?? "", "utf8")).toBe(readFileSync(second?.file ?? "", "utf8"));
  });
});
