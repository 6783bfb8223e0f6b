import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item in the low-level form of DynamoDB. */
export type Item = Readonly<Record<string, AttributeValue>>;

const utf8Bytes = (text: string): number => Buffer.byteLength(text);

const DECIMAL = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * A number's bytes: one, and one for each two significant digits, zeros at both ends not counted. AWS calls this
 * approximate; what it leaves out (measured by the authors of dynalite and of the dynamodb-calculator) is that digits
 * pair up from the decimal point, so that 1.2 has two pairs and 12 one, that a minus takes a byte, and that 0 is one.
 */
const numberBytes = (text: string): number => {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = DECIMAL.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const leadingZeros = whole.length + fraction.length - digits.length;
  const significant = digits.replace(/0+$/, "").length;
  if (significant === 0) return 1;
  const digitsBeforePoint = whole.length - leadingZeros + Number(exponent);
  const isFirstPairHalf = digitsBeforePoint % 2 !== 0;
  return Math.ceil((significant + (isFirstPairHalf ? 1 : 0)) / 2) + 1 + sign.length;
};

/** A list or map: three bytes, and one for each element. */
const DOCUMENT_BYTES = 3;
const ELEMENT_BYTES = 1;

const valueBytes = (value: AttributeValue): number => {
  if (value.S !== undefined) return utf8Bytes(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.L !== undefined) {
    return value.L.reduce((sum, element) => sum + ELEMENT_BYTES + valueBytes(element), DOCUMENT_BYTES);
  }
  if (value.M !== undefined) return DOCUMENT_BYTES + ELEMENT_BYTES * Object.keys(value.M).length + itemBytes(value.M);
  throw new TypeError(`expected a value whose size AWS documents, came ${Object.keys(value).join()}`);
};

/**
 * The bytes of an item that reading and writing it is billed by: names and values of its attributes. Sets throw: AWS
 * does not document their size, and nothing here uses them. (Storage bills 100 bytes more an item; this does not.)
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const itemBytes = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + utf8Bytes(name) + valueBytes(value), 0);
