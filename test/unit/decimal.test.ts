import fc from "fast-check";
import { addDecimals, decimalOf } from "../../shared/domain/statistics/decimal.ts";

describe("a decimal", () => {
  it.each([
    ["0.0011190", "0.001119"],
    ["0E-7", "0"],
    ["-0", "0"],
    ["1e-7", "0.0000001"],
    ["1.50E+2", "150"],
    ["007", "7"],
    ["-3.10", "-3.1"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["0.000000000000000000000000000001", "0.000000000000000000000000000001"],
  ])("of %s is %s", (text, expected) => {
    expect(decimalOf(text)).toBe(expected);
  });

  it.each([
    "",
    " 1",
    "+1",
    "1,5",
    ".5",
    "5.",
    "0x10",
    "NaN",
    "Infinity",
    "null",
    "true",
    '"1"',
    "1e400",
    "1e9999999999",
    "1e-31",
    "1234567890123456789012345678901",
    "1".repeat(81),
  ])("is not made of %j", (text) => {
    expect(decimalOf(text)).toBeUndefined();
  });

  it("adds up exactly, where numbers do not", () => {
    expect(addDecimals("0.1", "0.2")).toBe("0.3");
    expect(addDecimals("12345678901234567890", "0.000000000000000000001")).toBe(
      "12345678901234567890.000000000000000000001",
    );
    expect(addDecimals("1.5", "-1.5")).toBe("0");
  });

  it("adds up to the same in any order and grouping: the sum of whole numbers of a tiny unit", () => {
    const units = fc.array(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), { minLength: 1 });
    const textOf = (unit: bigint): string => {
      const digits = String(unit < 0n ? -unit : unit).padStart(11, "0");
      return `${unit < 0n ? "-" : ""}${digits.slice(0, -10)}.${digits.slice(-10)}`;
    };
    fc.assert(
      fc.property(units, fc.nat(), (all, at) => {
        const decimals = all.map((unit) => decimalOf(textOf(unit)) ?? "none");
        const [left, right] = [decimals.slice(0, at % all.length), decimals.slice(at % all.length)];
        const sum = (some: readonly string[]) => some.reduce(addDecimals, "0");
        const expected = decimalOf(textOf(all.reduce((a, b) => a + b, 0n)));

        expect(sum(decimals)).toBe(expected);
        expect(sum(decimals.toReversed())).toBe(expected);
        expect(addDecimals(sum(left), sum(right))).toBe(expected);
      }),
    );
  });
});
