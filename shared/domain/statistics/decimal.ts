import Big from "big.js";

/** Digits before the point, and after it, that an amount may have: nobody's price, and no work without a bound. */
const MOST_DIGITS = 30;
const LONGEST_TEXT = 80;

const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE]([-+]?\d{1,3}))?$/;

/** An amount as an exact decimal, without an exponent and without zeros that say nothing. Undefined for no such text. */
export const decimalOf = (text: string): string | undefined => {
  if (text.length > LONGEST_TEXT || !DECIMAL.test(text)) return undefined;
  const value = new Big(text);
  const isInRange = value.e < MOST_DIGITS && value.c.length - 1 - value.e <= MOST_DIGITS;
  return isInRange ? shown(value) : undefined;
};

/** The exact sum of two decimals. */
export const addDecimals = (a: string, b: string): string => shown(new Big(a).plus(b));

/** Big.js knows a zero below zero. */
const shown = (value: Big): string => (value.eq(0) ? "0" : value.toFixed());
