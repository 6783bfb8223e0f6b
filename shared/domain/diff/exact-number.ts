const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?)0*(\d+))?$/;

/** Sums of whole numbers of so many digits are exact, and room is left to carry. */
const EXACT_DIGITS = 15;
const CHUNK = 10 ** EXACT_DIGITS;

/** A whole number of any length plus one that is smaller, and no longer than a text: no work but for what carries. */
const plus = (digits: string, step: number): string => {
  let [at, carry, sum] = [digits.length, step, ""];
  while (carry !== 0) {
    const chunk = Number(digits.slice(Math.max(0, at - EXACT_DIGITS), Math.max(0, at))) + carry;
    carry = Math.floor(chunk / CHUNK);
    sum = String(chunk - carry * CHUNK).padStart(EXACT_DIGITS, "0") + sum;
    at -= EXACT_DIGITS;
  }
  return (digits.slice(0, Math.max(0, at)) + sum).replace(/^0+/, "");
};

const shifted = (sign: string, digits: string, by: number): string => {
  if (digits.length <= EXACT_DIGITS) return String((sign === "-" ? -1 : 1) * Number(digits) + by);
  return sign === "-" ? `-${plus(digits, -by)}` : plus(digits, by);
};

/**
 * A JSON number as its digits that count and a power of ten: the same text for the same decimal, however it is spelled
 * (`1.0` and `10e-1` are `1e0`), another one for any other. Nothing is rounded, and `1e999999999` is no more work than its
 * eleven characters. A zero has no sign.
 */
export const exactNumber = (text: string): string => {
  const [, sign = "", whole = "", fraction = "", exponentSign = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const digits = whole + fraction;
  const first = digits.search(/[1-9]/);
  if (first === -1) return "0";
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  const power = shifted(exponentSign, exponent, whole.length - end);
  return `${sign}${digits.slice(first, end)}e${power}`;
};
