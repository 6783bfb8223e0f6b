import fc from "fast-check";
import { DETECTORS, type DetectorName } from "../../shared/contract/app-settings.ts";
import { detectorOf } from "../../shared/domain/redaction/detectors.ts";
import { hexOf } from "../support/packed-events.ts";

/** Letters and digits that are no key, the same for the same number. */
const random = (seed: number, characters: number): string =>
  Array.from({ length: characters }, (_, at) =>
    "aB3dE5gH7jK9mN0pQ2rS4tU6vW8xYz1c".charAt((seed * 7 + at * 11) % 32),
  ).join("");

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const JWT = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url({ sub: "1234567890", name: "Ann" })}.${random(3, 43)}`;
const PEM = `-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n${random(1, 64)}\n-----END RSA PRIVATE KEY-----`;

/** What is found: alone, it becomes `***` whole. */
const FINDS: Readonly<Record<DetectorName, readonly string[]>> = {
  api_keys: [
    `sk-${random(1, 48)}`,
    `sk-proj-${random(2, 40)}_${random(3, 20)}-${random(4, 30)}`,
    `sk-ant-api03-${random(5, 60)}-${random(6, 30)}AA`,
    `sk-or-v1-${hexOf("openrouter")}`,
    `sk_live_${random(7, 24)}`,
    `rk_test_${random(8, 24)}`,
    `whsec_${random(9, 32)}`,
    `rk_${random(10, 43)}`,
    "AKIAIOSFODNN7EXAMPLE",
    "ASIA1234567890ABCDEF",
    `ghp_${random(11, 36)}`,
    `gho_${random(12, 36)}`,
    `github_pat_11ABCDEFG0${random(13, 12)}_${random(14, 50)}`,
    `glpat-${random(15, 20)}`,
    "xoxb-123456789012-1234567890123-abcdefABCDEF0123456789ab",
    "xoxp-1111111111-2222222222-3333333333-abcdef",
    "xapp-1-A0123456789-1234567890123-abcdef0123",
    `AIzaSy${random(16, 33)}`,
    `ya29.${random(17, 60)}`,
    `GOCSPX-${random(18, 28)}`,
    `SG.${random(19, 22)}.${random(20, 43)}`,
    `npm_${random(21, 36)}`,
    `pypi-AgEIcHlwaS5vcmc${random(22, 60)}`,
    `hf_${random(23, 34)}`,
    `gsk_${random(24, 52)}`,
    `pplx-${random(25, 48)}`,
    `r8_${random(26, 37)}`,
    `xai-${random(27, 80)}`,
    `tvly-dev-${random(28, 32)}`,
    `dop_v1_${hexOf("ocean")}`,
    `dapi${hexOf("bricks").slice(0, 32)}`,
    `app-${random(29, 24)}`,
    `dataset-${random(30, 24)}`,
    PEM,
    PEM.replaceAll("RSA ", ""),
    PEM.replaceAll("RSA ", "OPENSSH "),
    PEM.replaceAll("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
    PEM.slice(0, 60),
    PEM.replaceAll("\n", "\\n"),
  ],
  tokens: [
    JWT,
    `${base64url({ alg: "dir", enc: "A256GCM" })}..${random(1, 16)}.${random(2, 40)}.${random(3, 22)}`.replace(
      "..",
      `.${random(4, 8)}.`,
    ),
  ],
  emails: [
    "ann@example.com",
    "ANN@EXAMPLE.COM",
    "ann.b-c_d+tag@mail.sub.example.co.uk",
    "o'brien@example.ie",
    "a@b.co",
    "123456@qq.com",
    "hong@163.com",
    "josé.núñez@exämple.es",
    "用户@例子.公司",
    "𝒶nn@example.com",
    "ann@xn--exmple-cua.xn--p1ai",
    "ann%40example.com",
    `${"x".repeat(64)}@example.com`,
  ],
};

/** What looks alike and stays as it is. */
const NEAR_MISSES: Readonly<Record<DetectorName, readonly string[]>> = {
  api_keys: [
    "sk-",
    "sk-fading-circle-container",
    "sk-cube-grid-1-of-12-elements",
    `task-${random(1, 30)}`,
    `desk-${random(1, 30)}`,
    `risk-${random(2, 30)}`,
    `pk_live_${random(3, 24)}`,
    "AKIAIOSFODNN7EXAMPL",
    "AKIAIOSFODNN7EXAMPLE0",
    "XAKIAIOSFODNN7EXAMPLE",
    "akiaiosfodnn7example",
    "ghp_short",
    "graphp_1234567890123456789012",
    "xox-123",
    "boxoxb-123456789012",
    "AIzaShort",
    "SG.short.short",
    "app-internationalization",
    "app-7d9f8b6c5d-x2k4q",
    `app-${random(4, 23)}`,
    `app-${random(4, 25)}`,
    "dataset-training-2026-11-22-part-1",
    "npm_config_registry",
    "hf_transfer",
    hexOf("a commit"),
    "e67ab195-4256-4055-a9f9-2ba619b0d94f",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "the PRIVATE KEY is kept elsewhere",
    "https://hooks.slack.com/docs",
  ],
  tokens: [
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiJ9.",
    "eyJhbGciOiJIUzI1NiJ9.abc",
    base64url({ last: "run-1" }),
    "www.example.com",
    "1.2.3-beta.4",
    "bearer of good news",
    "Bearer authentication is needed",
    "WWW-Authenticate: Bearer realm",
    "Basic authentication",
    "basic understanding of basic programming",
    "https://example.com/a:b@c",
    "https://example.com:8080/path",
    "http://[::1]:4000/v1",
    "ssh://git@github.com/org/repo.git",
    "git@github.com:org/repo.git",
    "https://example.com/?q=a:b@c",
    "a ratio of 3:4 @ noon",
    "mailto:ann@example.com",
  ],
  emails: [
    "@ann",
    "ann@",
    "ann@localhost",
    "a@b",
    "a@b.c",
    "@example.com",
    "lodash@4.17.21",
    "@scope/package@1.2.3",
    "package@1.0.rc1",
    "user@host:8080",
    "@Override.run",
    "50%40.5",
    "5 @ example.com",
    "ann @example.com",
    "ann@ example.com",
    "ann@-example.com",
    "a@@b",
    "an at sign @ and a dot .com",
  ],
};

describe.each(DETECTORS)("%s", (name) => {
  const detect = detectorOf([name]);

  it.each(FINDS[name])("finds %j", (found) => {
    expect(detect(found)).toBe("***");
  });

  it.each(FINDS[name])("finds %j in a sentence, in JSON and twice, and leaves what is around it", (found) => {
    expect(detect(`see (${found}) there`)).toMatch(/^see \(\*\*\*(\) there)?$/);
    expect(detect(`{"key":"${found}"}`)).toMatch(/^\{"key":"\*\*\*("\})?$/);
    expect(detect(`${found}\n${found}`)).toMatch(/^\*\*\*(\n\*\*\*)?$/);
    expect(detect(`key=${found}`)).toBe("key=***");
  });

  it.each(NEAR_MISSES[name])("leaves %j", (text) => {
    expect(detect(text)).toBe(text);
  });
});

describe("tokens", () => {
  const detect = detectorOf(["tokens"]);

  it.each([
    [`Authorization: Bearer ${random(1, 30)}`, "Authorization: Bearer ***"],
    [`bearer abc12345`, "bearer ***"],
    [`curl -H "authorization: BEARER a.b-c_d~e+f/1=="`, `curl -H "authorization: BEARER ***"`],
    [`authorization=Bearer%20${random(1, 30)}`, "authorization=Bearer%20***"],
    [`Basic ${Buffer.from("ann:secret").toString("base64")}`, "Basic ***"],
    [`Basic ${Buffer.from("ann:geheimnisß").toString("base64")}`, "Basic ***"],
    ["https://ann:secret@example.com/a?b=c", "https://***@example.com/a?b=c"],
    ["postgres://app:p@ss@db.internal:5432/app", "postgres://***@db.internal:5432/app"],
    ["redis://:secret@cache:6379", "redis://***@cache:6379"],
    [`https://${random(2, 40)}@github.com/org/repo.git`, "https://***@github.com/org/repo.git"],
    ["a://b:c@d e://f:g@h", "a://***@d e://***@h"],
    [`log.${JWT}`, "log.***"],
    [`prefix${JWT}.`, "prefix***"],
  ])("of %j leaves %j", (text, left) => {
    expect(detect(text)).toBe(left);
    expect(detect(left)).toBe(left);
  });
});

it("finds what stands in JSON that is in a string, and leaves that JSON whole", () => {
  const detect = detectorOf(DETECTORS);
  const key = `sk-${random(1, 48)}`;
  const inner = String.raw`{"a":"one\n${key}","b":"\nann@example.com","c":"\tBearer ${random(2, 30)}","d":"\u0022${key}","e":"ann\u0040example.com","f":"\n${JWT}","g":"https:\/\/ann:secret@host"}`;
  expect(detect(inner)).toBe(
    String.raw`{"a":"one\n***","b":"\n***","c":"\tBearer ***","d":"\u0022***","e":"***","f":"\n***","g":"https:\/\/***@host"}`,
  );
});

describe("behind escapes of JSON that is in a string", () => {
  const detect = detectorOf(DETECTORS);
  const key = `sk-${random(1, 48)}`;
  const hidden: readonly (readonly [string, string])[] = [
    [String.raw`Bearer ${random(2, 20)}\/TAIL+x==`, "Bearer ***"],
    [String.raw`Basic YW5uOi8\/Pz8\u002fPz8\u003d`, "Basic ***"],
    [String.raw`whsec_${random(9, 32)}\/TAIL`, "***"],
    [
      String.raw`https:\/\/hooks.slack.com\/services\/T00000000\/B00000000\/XXXX`,
      "https://hooks.slack.com/services/***",
    ],
    [String.raw`\u0073k-${random(1, 48)}`, "***"],
    [String.raw`s\u006B-${random(1, 48)}`, "***"],
    [String.raw`\u0061nn@example\u002ecom`, "***"],
    [String.raw`\u8054\u7cfbann@example.com`, "***"],
    [String.raw`postgres:\/\/ann:p\u0061ss\u0040host`, "postgres://***@host"],
    [String.raw`-----BEGIN PRIVATE KEY\u002d----\nMIIE\n-----END PRIVATE KEY-----`, "***"],
  ];

  it.each(hidden)("finds %s, and writes only that string anew", (escaped, left) => {
    const around = String.raw`{"a" : "\/ \u00e9","list":[1.0,"${escaped}"],"b":"\/"}`;
    expect(detect(around)).toBe(String.raw`{"a" : "\/ \u00e9","list":[1.0,"${left}"],"b":"\/"}`);
  });

  it.each(hidden)("finds %s in member names, and in JSON in JSON in JSON", (escaped, left) => {
    expect(JSON.parse(detect(`{"${escaped}":1}`))).toEqual({ [left]: 1 });

    const nested = JSON.stringify({ a: JSON.stringify([JSON.stringify({ b: "x" })]) }).replace('"x', `"${escaped}`);
    const deep = JSON.stringify({ a: JSON.stringify([`{"b":"${escaped}","c":"d"}`]) });
    expect(detect(nested)).not.toContain(escaped);
    expect(JSON.parse(JSON.parse(JSON.parse(detect(deep)).a)[0])).toEqual({ b: left, c: "d" });
  });

  it.each(hidden)("of a text with %s that is not whole as JSON leaves nothing", (escaped) => {
    expect(detect(`the answer was {"a":"${escaped}"}`)).toBe("***");
    expect(detect(`{"a":"one","b":"${escaped}`)).toBe("***");
  });

  it.each([
    String.raw`C:\new\users\ann \\server\share \u00zz \q \ `,
    String.raw`{"a":"\/\u0061\n","b":"{\"c\":\"https:\\\/\\\/example.com\"}"}`,
    String.raw`a regular expression: ^\w+\\@\/$`,
    "\\".repeat(60),
  ])("leaves %s", (text) => {
    expect(detect(text)).toBe(text);
  });

  it("leaves no string that has more levels than anybody writes", () => {
    const nest = (levels: number): string =>
      Array.from({ length: levels }).reduce<string>((text) => JSON.stringify([text]), JSON.stringify("x".repeat(9)));
    expect(detect(nest(7))).toBe(nest(7));
    expect(detect(nest(10))).toContain("***");
    expect(detect(nest(10).replace("x".repeat(9), key))).not.toContain(key);
  });
});

it("finds Slack's addresses for messages, and leaves the host", () => {
  expect(detectorOf(["api_keys"])("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX")).toBe(
    "https://hooks.slack.com/services/***",
  );
});

it("goes by all detectors that are asked for and no other", () => {
  const text = `${JWT} ann@example.com sk-${random(1, 48)}`;
  expect(detectorOf([])(text)).toBe(text);
  expect(detectorOf(["emails"])(text)).toBe(text.replace("ann@example.com", "***"));
  expect(detectorOf(["emails", "tokens", "api_keys"])(text)).toBe("*** *** ***");
});

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(...DETECTORS.flatMap((name) => [...FINDS[name], ...NEAR_MISSES[name]])),
    fc.constantFrom(
      " ",
      "@",
      ".",
      ":",
      "://",
      "%40",
      "-",
      "_",
      "eyJ",
      "sk-",
      "Bearer ",
      "basic ",
      "a",
      "1",
      "\n",
      "***",
      "\ud800",
      "\\",
      "\\/",
      "\\n",
      "\\u0073k-",
      "\\u005c",
      '"',
      '{"a":"',
      '"}',
    ),
    fc.string({ maxLength: 8 }),
  ),
  { maxLength: 12 },
);

it("once more changes nothing", () => {
  const detect = detectorOf(DETECTORS);
  fc.assert(
    fc.property(pieces, (parts) => {
      const once = detect(parts.join(""));
      expect(detect(once)).toBe(once);
    }),
    { numRuns: 5000 },
  );
});

it("finds each thing wherever it stands between others", () => {
  const detect = detectorOf(DETECTORS);
  const found = DETECTORS.flatMap((name) => FINDS[name]);
  fc.assert(
    fc.property(pieces, fc.constantFrom(...found), pieces, (before, secret, after) => {
      expect(detect(`${before.join("")} ${secret} ${after.join("")}`)).not.toContain(` ${secret} `);
    }),
    { numRuns: 2000 },
  );
});

const MEGABYTE = 1024 * 1024;

it.each([
  [
    "a",
    "eyJ",
    "eyJ.",
    "a@",
    "%40",
    "a.",
    "://",
    "://:",
    "x://a:b",
    "-",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN A ",
  ],
  [
    "sk-",
    "bearer ",
    "basic ",
    "SG.",
    "-SG.",
    "AKIA",
    "ghp_",
    "@",
    " ",
    "a@b.c.d.e.f.g.h.i.j.",
    "\ud83d",
    "é@é.é",
    "xoxb-",
  ],
  ["\\", "\\/", "\\u005c", "\\u0061", "\\\\u005cu005c", "\\u00e9a@b.co ", '"\\', "Bearer a1b2c3d4\\/"],
])("takes a moment for four megabytes, whatever they repeat", (...repeated) => {
  const detect = detectorOf(DETECTORS);
  for (const piece of repeated) {
    const text = piece.repeat(Math.ceil((4 * MEGABYTE) / piece.length));
    // Time of the processor: what else the machine does takes none of it.
    const begun = process.cpuUsage();
    detect(text);
    expect({ piece, isQuick: process.cpuUsage(begun).user < 5_000_000 }).toEqual({ piece, isQuick: true });
  }
});
