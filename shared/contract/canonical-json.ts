import { JsonText } from "./json-text.ts";

/**
 * JSON Canonicalization Scheme (RFC 8785), made total: it writes lone surrogates as the escapes JSON has for them, and a number
 * that no double holds (`1e400`, given as text) by its digits.
 */
export const canonicalJson = (value: unknown): string => {
  if (value instanceof JsonText) return value.text.toLowerCase().replace("+", "");
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = value as Readonly<Record<string, unknown>>;
  return `{${Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name])}`)
    .join(",")}}`;
};
