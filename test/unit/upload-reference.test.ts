import fc from "fast-check";
import { canonicalJson } from "../../shared/contract/canonical-json.ts";
import { referenceTo, uploadNamedBy } from "../../shared/contract/upload-reference.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

describe("a reference to an upload", () => {
  it("names it", () => {
    expect(uploadNamedBy(referenceTo(ID))).toBe(ID);
  });

  it.each([
    [`{"$ref":"upload:${ID}"}`, ID],
    [`{\n  "$ref" : "upload:${ID}"\n}`, ID],
    [`{"\\u0024r\\u0065f":"upl\\u006fad:${ID}"}`, ID],
    ['{"$ref":"upload:"}', ""],
    ['{"$ref":"upload:a/../b"}', "a/../b"],
  ])("may be spelled %s", (text, id) => {
    expect(uploadNamedBy(text)).toBe(id);
  });

  it.each([
    "null",
    '"upload:a"',
    "{}",
    "[]",
    '["$ref","upload:a"]',
    '[{"$ref":"upload:a"}]',
    '{"$ref":"upload"}',
    '{"$ref":"Upload:a"}',
    '{"$ref":" upload:a"}',
    '{"ref":"upload:a"}',
    '{"$ref":["upload:a"]}',
    '{"$ref":null}',
    '{"$ref":"upload:a","b":1}',
    '{"b":1,"$ref":"upload:a"}',
    '{"$ref":"upload:a","$ref":"upload:b"}',
    '{"a":{"$ref":"upload:a"}}',
  ])("is nothing else: %s", (text) => {
    expect(uploadNamedBy(text)).toBeUndefined();
  });

  it("is told of no other value, however it is spelled", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat({ max: 3 }), (text, spaces) => {
        const spelled = JSON.stringify(JSON.parse(text), undefined, spaces);

        expect(uploadNamedBy(spelled)).toBe(uploadNamedBy(canonicalJson(text)));
        expect(uploadNamedBy(spelled)).toBeUndefined();
      }),
    );
  });

  it("is looked for in a large value without reading it again and again", () => {
    const large = ['{"$ref":"upload:', `{${" ".repeat(2_000_000)}`, `{"${"\\u0024".repeat(300_000)}`, "{".repeat(100)];
    const startedAt = process.hrtime.bigint();

    for (const begin of large) expect(uploadNamedBy(`${begin}${"x".repeat(2_000_000)}"}`)).toBeUndefined();

    expect(Number(process.hrtime.bigint() - startedAt) / 1e6).toBeLessThan(2_000);
  });
});
