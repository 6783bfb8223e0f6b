import type { DetectorName } from "../../contract/app-settings.ts";
import { withoutApiKeys } from "./detect-api-keys.ts";
import { detectBehindEscapes } from "./detect-behind-escapes.ts";
import { withoutEmails } from "./detect-emails.ts";
import { withoutTokens } from "./detect-tokens.ts";

/** A text with what a detector finds in it replaced; the same text where it finds nothing. */
export type Detector = (text: string) => string;

const DETECT: Readonly<Record<DetectorName, Detector>> = {
  api_keys: withoutApiKeys,
  tokens: withoutTokens,
  emails: withoutEmails,
};

/** Tokens first: what e-mail would leave of `https://user:password@host.org` is the password's owner. */
const ORDER: readonly DetectorName[] = ["tokens", "api_keys", "emails"];

/** Nothing shorter holds anything that is looked for. */
const SHORTEST_FIND = 6;

/** Where one find ends, another may begin that was none before. Texts made for it could go on like that for ever. */
const MOST_ROUNDS = 4;

/** One after the other, each on what the one before left, until nothing more is found, behind escapes of JSON neither. */
export const detectorOf = (names: readonly DetectorName[]): Detector => {
  const detectors = ORDER.filter((name) => names.includes(name)).map((name) => DETECT[name]);
  const round: Detector = (text) => detectors.reduce((left, detect) => detect(left), text);
  const inPlace: Detector = (text) => {
    let before = text;
    let left = round(text);
    for (let rounds = 1; left !== before && rounds < MOST_ROUNDS; rounds++) {
      before = left;
      left = round(left);
    }
    return left;
  };
  return (text) => {
    if (text.length < SHORTEST_FIND) return text;
    return text.includes("\\") ? detectBehindEscapes(text, inPlace) : inPlace(text);
  };
};
