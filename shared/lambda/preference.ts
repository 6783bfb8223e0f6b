import type { Request } from "./request.ts";

/** Quoted strings whole (to the end where the quote is not closed), separators, and what is between. */
const PIECES = /"(?:[^"\\]|\\.)*(?:"|\\?$)|[,;]|[^",;]+/gs;

/** Each preference without its parameters: `name` or `name=value`. */
const preferencesIn = (field: string): string[] => {
  const preferences = [""];
  let isParameter = false;
  for (const [piece] of field.matchAll(PIECES)) {
    if (piece === ",") preferences.push("");
    if (piece === "," || piece === ";") isParameter = piece === ";";
    else if (!isParameter) preferences[preferences.length - 1] += piece;
  }
  return preferences;
};

/**
 * Whether the request states a preference that takes no value (RFC 7240): names are case-insensitive, an empty value is
 * none, the first of several counts, and other preferences do not matter.
 */
export const hasPreference = (request: Request, name: string): boolean => {
  for (const preference of request.headers("prefer").flatMap(preferencesIn)) {
    const [token = "", ...value] = preference.split("=");
    if (token.trim().toLowerCase() === name) return ["", '""'].includes(value.join("=").trim());
  }
  return false;
};
