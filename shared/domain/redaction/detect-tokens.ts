import { REDACTED } from "../../contract/redaction.ts";

/** Words with dots between them. It begins where a run of such characters begins, so each run is read once. */
const DOTTED = /(?<![\w-])[\w-]+(?:\.[\w-]+)+\.?/g;
/** What a JSON object begins with in base64. */
const OBJECT = "eyJ";
/** A header that names an algorithm is longer; so is anything that is signed. */
const SHORTEST_HEADER = 10;
const SHORTEST_CLAIMS = 4;

/** Where a JSON Web Token begins in dotted words; undefined where there is none. */
const jwtFrom = (dotted: string): number | undefined => {
  let from = 0;
  const parts = dotted.split(".");
  for (const [place, part] of parts.entries()) {
    const object = part.indexOf(OBJECT);
    const isFollowed = (parts[place + 1]?.length ?? 0) >= SHORTEST_CLAIMS;
    if (object >= 0 && part.length - object >= SHORTEST_HEADER && isFollowed) return from + object;
    from += part.length + 1;
  }
  return undefined;
};

const withoutJwts = (text: string): string => {
  if (!text.includes(OBJECT)) return text;
  return text.replace(DOTTED, (dotted) => {
    const from = jwtFrom(dotted);
    return from === undefined ? dotted : dotted.slice(0, from) + REDACTED;
  });
};

/** The schemes of an Authorization header, and what follows them. */
const CREDENTIALS = /(?:\b|(?<=\\[bfnrt]))(bearer|basic)([ \t]{1,8}|%20|\+)([\w.~+/-]{8,}={0,2})/gi;
const LONGEST_WORD = 23;

/** "Bearer authentication" is no credential. */
const isToken = (text: string): boolean => text.length > LONGEST_WORD || /\d/.test(text);

const isUserWithPassword = (text: string): boolean => {
  const decoded = Buffer.from(text, "base64").toString();
  return decoded.includes(":") && !/[\p{Cc}\ufffd]/u.test(decoded);
};

const withoutCredentials = (text: string): string =>
  text.replace(CREDENTIALS, (whole: string, scheme: string, space: string, token: string) => {
    const isCredential = scheme.toLowerCase() === "basic" ? isUserWithPassword(token) : isToken(token);
    return isCredential ? `${scheme}${space}${REDACTED}` : whole;
  });

/** As it is, or as JSON in a string may write it. */
const SCHEME_END = /:\/\/|:\\\/\\\//g;
/** User, password, host and port. */
const AUTHORITY = /[^\s/?#"'<>\\]+/y;
/** What stands alone before a host is a token from here on, and a user's name up to there. */
const SHORTEST_LONE_TOKEN = 20;

/** How much of what follows `://` names a user with a password, or a token. */
const userInfoLength = (text: string, from: number): number => {
  AUTHORITY.lastIndex = from;
  const authority = AUTHORITY.exec(text)?.[0] ?? "";
  const length = authority.lastIndexOf("@");
  const hasPassword = authority.lastIndexOf(":", length - 2) >= 0;
  return length >= SHORTEST_LONE_TOKEN || (length > 1 && hasPassword) ? length : 0;
};

const withoutUserInfo = (text: string): string => {
  let kept = "";
  let done = 0;
  for (const { 0: schemeEnd, index } of text.matchAll(SCHEME_END)) {
    const from = index + schemeEnd.length;
    const length = userInfoLength(text, from);
    if (length === 0) continue;
    kept += text.slice(done, from) + REDACTED;
    done = from + length;
  }
  return done === 0 ? text : kept + text.slice(done);
};

/** Replaces JSON Web Tokens, what follows `Bearer` or `Basic`, and users with their passwords in URLs. */
export const withoutTokens = (text: string): string => withoutUserInfo(withoutCredentials(withoutJwts(text)));
