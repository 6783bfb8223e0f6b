import { createHash } from "node:crypto";
import fc from "fast-check";
import { JsonText } from "../../shared/contract/json-text.ts";
import { errorFingerprint, errorWords } from "../../shared/domain/failures/error-fingerprint.ts";

const textOf = (error: string): string => errorFingerprint(error).text;
const ofJson = (error: unknown): string => errorFingerprint(new JsonText(JSON.stringify(error))).text;

const traceback = (line: number, raised: string): string =>
  `Traceback (most recent call last):\n  File "/app/worker-${line}/main.py", line ${line}, in run\n    call(x)\n    ~~~~^^^\n${raised}`;

describe("errors that differ only in what changes from one to the next", () => {
  it.each<[string, string, string]>([
    ["numbers", "timed out after 30 s", "timed out after 120.5 s"],
    ["signs", "index -1 is out of range", "index 15 is out of range"],
    ["big numbers", "got 1,048,576 bytes", "got 12 bytes"],
    ["exponents", "loss is 3.2e-05", "loss is 1"],
    ["lists of numbers", "shape (1, 2, 3) is wrong", "shape (4, 5) is wrong"],
    ["units", "slept 150ms", "slept 7ms"],
    ["UUIDs", "run 0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d gone", "run FFFFFFFF-4e5f-4a6b-8c7d-9e0f1a2b3c4d gone"],
    ["ULIDs", "no 01JD3M8YH2Z7W5Q4R6T8V9X0AB", "no 01JD3M8YH2Z7W5Q4R6T8V9X0AC"],
    ["digests", "commit 8f3a11c0d2 is missing", "commit a94a8fe5ccb19ba61c4c0873d391e987982fbbd3 is missing"],
    ["memory", "<Foo object at 0x7f3a1c2d3e40>", "<Foo object at 0xffff12>"],
    ["ids of requests", "see req_011CSHoEeqs5C35K2UUqR7Fy", "see req_7XyAbC35K2UUqR7011CSHoEe"],
    ["quoted ids", "KeyError: 'user_42'", "KeyError: 'user_1234'"],
    ["ids in other quotes", 'no tool `call_9x` and no "item-7"', 'no tool `call_12abc` and no "item-1234567"'],
    ["instants", "at 2026-11-22T10:00:00.123Z", "at 2025-01-02 03:04:05+02:00"],
    ["dates of mail", "since Sun, 22 Nov 2026 10:00:00 GMT", "since Mon, 1 Dec 2025 23:59:59 GMT"],
    ["times of day", "at 10:11:12", "at 23:59:59.123"],
    ["addresses", "connect ECONNREFUSED 10.0.0.1:5432", "connect ECONNREFUSED [2001:db8::1]:443"],
    ["mail", "Key (email)=(ada@example.com) exists", "Key (email)=(b.c+d@mail.example.org) exists"],
    ["digits of paths", "open /tmp/run_17/part-3.csv", "open /tmp/run_9/part-12345.csv"],
    ["space before a unit", "slept 5ms", "slept 5 ms"],
    ["units that go with the amount", "try again in 320ms.", "try again in 1m30.5s."],
    ["one and many", "no answer for 1 second", "no answer for 1800 seconds"],
    ["sizes", "tried to allocate 512.00 MiB of 3 GB", "tried to allocate 20B of 1.5 GiB"],
    ["digests without a letter", "commit 12345678 is missing", "commit deadbeef is missing"],
    ["quoted digests without a digit", "no key 'req_deadbeef'", "no key 'req_dead8eef'"],
    ["signs behind a bracket", "expected x>-5", "expected x>5"],
    ["white space", "a  b\n\tc", " a b c"],
    ["bytes of a certificate", "key 3f:0a:99:ff was revoked", "key AA:BB:CC:DD:EE:FF:00:11 was revoked"],
    ["network cards", "device 00:1a:2b:3c:4d:5e lost", "device aa-bb-cc-dd-ee-ff lost"],
    ["pods", "pod my-app-7d4b9c6f8-x2k4j is not ready", "pod my-app-bdcgfhjkv-bxzqp is not ready"],
    ["ids with dashes in them", "no V1StGXR8_Z5jdHi6B-myT", "no kW9aB2cD4_eF6gH8iJ0-kLq"],
    ["ids behind a word", "no call_V1StGXR8_Z5-myT", "no call_XyZabC35K2UUqR70"],
    ["ids without a digit", "no org-AbCdEfGhIjKlMnOp", "no org-XyZwVuTsRqPoNmLk"],
    ["base 64", "body aB3/dE+fG5hI/jK7l== is bad", "body QUJDREVGRw== is bad"],
    ["tokens", "eyJhbGciOiJIUzI1NiJ9.abc-def_ghi expired", "eyJhbGciOiJSUzI1NiJ9.e30.x expired"],
    ["temporary files", "open /tmp/tmpabcdwxyz/x.py", "open /tmp/tmp8f_k2l1q/x.py"],
    ["short ids", "item a1b2c is gone", "item f00d9 is gone"],
    ["exit codes", "exit code 137", "exit code 9"],
    ["exit statuses", "returned non-zero exit status 137.", "returned non-zero exit status 1."],
    ["codes of three digits that are none of HTTP", "code 123 was wrong", "code 99 was wrong"],
    ["ordinals", "the 1st try failed", "the 22nd try failed"],
    ["shares", "disk is at 50%", "disk is at 100 %"],
    ["sizes of images", "image is 8x8", "image is 1024x768"],
    ["full-width digits", "值 １２３ 错误", "值 7 错误"],
    ["Arabic digits", "خطأ ٣٤", "خطأ 5"],
    ["fractions", "half ½", "half ¼"],
    ["halves of the day", "at 10:05 AM", "at 9:15:30 PM"],
    ["lines of a traceback", traceback(9, "ValueError: bad row 7"), traceback(120, "ValueError: bad row 12")],
    ["frames", "TypeError: x is null\n    at f (/a.js:1:2)\n    at g", "TypeError: x is null\n    at h (/b.js:9:9)"],
  ])("have one fingerprint: %s", (_what, one, other) => {
    expect(errorFingerprint(one)).toEqual(errorFingerprint(other));
  });
});

describe("errors of different kinds", () => {
  it.each<[string, string, string]>([
    ["words", "connection refused", "connection reset"],
    ["status codes", "Request failed with status code 404", "Request failed with status code 502"],
    ["status codes of HTTP", "HTTP/1.1 503 Service Unavailable", "HTTP/1.1 500 Service Unavailable"],
    ["status codes of providers", "Error code: 429 - {}", "Error code: 400 - {}"],
    ["quoted names", "KeyError: 'user_name'", "KeyError: 'user_id'"],
    ["words in letters of hex", "the facade decade", "the defaced decade"],
    ["names with a number behind them", "psycopg2.Error", "sqlite3.Error"],
    ["names of modules", "No module named 'psycopg2'", "No module named 'sqlite3'"],
    ["names written in humps", "x.getUserById is not a function", "x.getPathByUrl is not a function"],
    ["names of exceptions", "openai.error.RateLimitError: no", "openai.error.APIError: no"],
    ["error codes in letters", "read ECONNRESET", "read ETIMEDOUT"],
    ["error codes", "E1001: cannot open", "E1002: cannot open"],
    ["error codes behind that word", "error TS2345: no", "error TS2322: no"],
    ["words behind an id", "task_8f3a11c0d2_timeout", "task_8f3a11c0d2_cancelled"],
    ["words before an id of both cases", "thread_AbCdEf12GhIjKl34", "run_AbCdEf12GhIjKl34"],
    ["status codes in one word", "statusCode: 404", "statusCode: 503"],
    ["what was raised below the same frames", traceback(9, "ValueError: bad"), traceback(9, "KeyError: bad")],
    ["no error and one", "", "boom"],
  ])("differ by %s", (_what, one, other) => {
    expect(errorFingerprint(one).hash).not.toBe(errorFingerprint(other).hash);
  });
});

it.each(["Request failed with status code @", "Error code: @ - {}", "HTTP @", '{"status":@}'])(
  "all status codes of HTTP errors are told apart: %s",
  (template) => {
    const codes = Array.from({ length: 200 }, (_, index) => String(400 + index));

    expect(new Set(codes.map((code) => textOf(template.replace("@", code)))).size).toBe(200);
  },
);

describe("real messages", () => {
  it.each<[string, string, string]>([
    [
      "a Python traceback",
      "Traceback (most recent call last):\n  File \"main.py\", line 9, in main\n    rates[code] = Decimal(text)\ndecimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
      "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
    ],
    [
      "a Python traceback of several",
      'Traceback (most recent call last):\n  File "/usr/lib/urllib3/pool.py", line 787, in urlopen\n    x()\nTimeoutError: inner\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "/app/x.py", line 12, in f\n    g()\nrequests.exceptions.ReadTimeout: HTTPSConnectionPool(host=\'api.example.com\', port=443): Read timed out. (read timeout=30)',
      "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='api.example.com', port=<n>): Read timed out. (read timeout=<n>)",
    ],
    [
      "a rate limit",
      "Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-4o in organization org-AbC123dEf456 on tokens per min (TPM): Limit 30000, Used 29500. Please try again in 1.4s.'}}",
      "Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-<n>o in organization org-<n> on tokens per min (TPM): Limit <n>, Used <n>. Please try again in <n>.'}}",
    ],
    [
      "HTTP",
      "404 Client Error: Not Found for url: https://api.example.com/v1/orders/12345?page=2",
      "<n> Client Error: Not Found for url: https://api.example.com/v<n>/orders/<n>?page=<n>",
    ],
    [
      "SQL",
      '(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "users_email_key"\nDETAIL:  Key (email)=(ada@example.com) already exists.',
      '(psycopg<n>.errors.UniqueViolation) duplicate key value violates unique constraint "users_email_key" DETAIL: Key (email)=(<email>) already exists.',
    ],
    [
      "MySQL",
      "ERROR 1062 (23000): Duplicate entry '17' for key 'orders.PRIMARY'",
      "ERROR <n> (<n>): Duplicate entry '<n>' for key 'orders.PRIMARY'",
    ],
    [
      "Java",
      'java.lang.NullPointerException: Cannot invoke "String.length()"\n\tat com.acme.Foo.bar(Foo.java:12)\n\tat com.acme.Main.main(Main.java:3)',
      'java.lang.NullPointerException: Cannot invoke "String.length()"',
    ],
    ["another language", "超时: 请求 12345 失败", "超时: 请求 <n> 失败"],
    [
      "a missing file",
      "No such file or directory: '/tmp/tmpab12cd/run_17/out.json'",
      "No such file or directory: '/tmp/<n>/run_<n>/out.json'",
    ],
  ])("%s", (_what, error, text) => {
    expect(textOf(error)).toBe(text);
  });
});

describe("an error that is an object", () => {
  it.each<[string, unknown, string]>([
    [
      "type and message",
      { type: "overloaded_error", message: "Overloaded", request_id: "req_1" },
      "overloaded_error: Overloaded",
    ],
    [
      "the error that it wraps",
      { error: { message: "too long by 12 tokens", type: "invalid_request" } },
      "invalid_request: too long by <n> tokens",
    ],
    ["a code that is a number", { code: 429, message: "slow down" }, "code 429: slow down"],
    ["a message alone", { message: "boom", node_id: "n1" }, "boom"],
    ["a kind alone", { code: "INTERRUPTED" }, "INTERRUPTED"],
    ["a code with digits", { code: "P1001", message: "no answer for 5 s" }, "P1001: no answer for <n>"],
    ["neither, as it is, members in order", { b: 1, a: "x" }, '{"a":"x","b":<n>}'],
    ["members that are empty as none", { type: null, code: "E", message: "" }, "E"],
  ])("is known by %s", (_what, error, text) => {
    expect(ofJson(error)).toBe(text);
  });

  it("is the same however it is spelled", () => {
    const [one, other] = ['{"code":"E\\u0031", "message": "boom"}', '{"message":"boom","code":"E1"}'];

    expect(errorFingerprint(new JsonText(one))).toEqual(errorFingerprint(new JsonText(other)));
  });

  it("wraps others to some depth only", () => {
    const deep = Array.from({ length: 100 }).reduce<unknown>((error) => ({ error }), { message: "boom" });

    expect(ofJson(deep)).toContain('{"error":');
  });
});

const textIn = (alphabet: string, length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length });
/** As digests come, those that happen to have digits only, or letters only, more often than by chance. */
const HEX_ALPHABETS = ["0123456789abcdef", "0123456789", "abcdef", "0123456789ABCDEF", "ABCDEF"];
const hexOf = (...lengths: number[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...HEX_ALPHABETS), fc.constantFrom(...lengths))
    .chain(([alphabet, length]) => textIn(alphabet, length));
const BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const amount = fc.oneof(
  fc.nat(),
  fc.nat(9).map(String),
  fc.nat(99_999).map((cents) => (cents / 100).toFixed(2)),
);

const SAFE_OF_KUBERNETES = "bcdfghjklmnpqrstvwxz2456789";
const BASE_64_URL = `${BASE_62}-_`;
const bytesWith = (separator: string): fc.Arbitrary<string> =>
  fc.array(textIn("0123456789abcdef", 2), { minLength: 4, maxLength: 32 }).map((bytes) => bytes.join(separator));

/** Random values of each kind that errors are full of. */
const values: Readonly<Record<string, fc.Arbitrary<string>>> = {
  n: fc.oneof(
    amount.map(String),
    fc.integer().map(String),
    fc.nat().map((value) => value.toLocaleString("en-US")),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential(2)),
  ),
  hex: hexOf(8, 16, 24, 32, 40, 64),
  uuid: hexOf(32).map((hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")),
  ulid: fc.nat(7).chain((first) => textIn("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 25).map((rest) => `${first}${rest}`)),
  id: textIn(BASE_62, 24).filter((text) => /\d/.test(text)),
  bytes: fc.oneof(bytesWith(":"), bytesWith("-")),
  pod: fc.tuple(textIn(SAFE_OF_KUBERNETES, 9), textIn(SAFE_OF_KUBERNETES, 5)).map((parts) => parts.join("-")),
  jwt: fc
    .tuple(textIn(BASE_64_URL, 17), textIn(BASE_64_URL, 80), textIn(BASE_64_URL, 43))
    .map((parts) => `eyJ${parts.join(".")}`),
  temporary: textIn("abcdefghijklmnopqrstuvwxyz0123456789_", 8).map((rest) => `tmp${rest}`),
  exit: fc.nat(255).map(String),
  nth: fc.tuple(fc.nat(), fc.constantFrom("st", "nd", "rd", "th")).map((parts) => parts.join("")),
  share: fc.tuple(amount, fc.constantFrom("%", " %")).map((parts) => parts.join("")),
  digits: fc
    .constantFrom("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "0123456789")
    .chain((script) => textIn(script, 4)),
  time: fc
    .tuple(amount, fc.constantFrom("", " "), fc.constantFrom("ns", "µs", "ms", "s", "m", "h", "sec", "minutes", "hour"))
    .map((parts) => parts.join("")),
  size: fc
    .tuple(amount, fc.constantFrom("", " "), fc.constantFrom("B", "kB", "MB", "GiB", "byte", "bytes"))
    .map((parts) => parts.join("")),
};

/** Errors of different kinds, with places for values. */
const TEMPLATES = [
  "row {n} is bad",
  "row {n} of {n} is bad",
  "index {n} is out of range for axis {n}",
  "Request failed with status code 429 after {time}",
  "Request failed with status code 500 after {time}",
  "Rate limit reached for gpt-4o in organization org-{id}. Please try again in {time}.",
  "commit {hex} is missing in /repos/{hex}/objects",
  "digest sha256:{hex} != sha256:{hex}",
  "ECONNRESET while reading {size} of s3://bucket/{uuid}/part-{hex}.bin",
  "ECONNREFUSED while reading {size} of s3://bucket/{uuid}/part-{hex}.bin",
  "KeyError: 'user_{hex}'",
  "KeyError: 'user_name'",
  "conversation {uuid} not found (request {ulid})",
  "message {uuid} not found (request {ulid})",
  'tool call "call_{id}" took {time}, more than {time}',
  "<Task object at 0x{hex}> was never awaited [{n}, {n}]",
  "certificate {bytes} has expired",
  "pod api-{pod} was evicted at {share} of its memory",
  "pod worker-{pod} was evicted at {share} of its memory",
  "token {jwt} has expired",
  "No such file or directory: /tmp/{temporary}/out.json",
  "exit code {exit} at the {nth} try",
  "请求 {digits} 超时",
];

/** A thousand values that are always the same, each of so many bytes by lot. */
const drawn = (length: number): Buffer[] =>
  Array.from({ length: 1000 }, (_, index) =>
    createHash("shake256", { outputLength: length }).update(String(index)).digest(),
  );
const lettersOf = (alphabet: string, bytes: Buffer): string =>
  [...bytes].map((byte) => alphabet[byte % alphabet.length]).join("");
const BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz";

describe("a fingerprint", () => {
  it("is of the text that a string holds, as JSON or as it is", () => {
    expect(errorFingerprint(new JsonText('"socket hang up"'))).toEqual(errorFingerprint("socket hang up"));
  });

  it.each([undefined, null, "", new JsonText("null")])("is empty where there is no error (%s)", (error) => {
    expect(errorFingerprint(error)).toEqual({ text: "", hash: errorFingerprint("").hash });
    expect(errorWords(error)).toBe("");
  });

  it("has at most 200 characters, never half of one, and a hash of 12", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (error) => {
        const { text, hash } = errorFingerprint(error);
        expect(text.length).toBeLessThanOrEqual(200);
        expect(text.isWellFormed()).toBe(error.slice(0, 4000).isWellFormed());
        expect(hash).toMatch(/^[A-Za-z0-9_-]{12}$/);
      }),
    );
  });

  it("does not change with the numbers in a text", () => {
    const parts = fc.array(fc.constantFrom("row", " ", "(", ")", ": ", "/", "of", "_"), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(parts, fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.nat()), (words, one, other) => {
        const withNumbers = (numbers: Iterator<number>) =>
          words.map((word) => `${word} ${numbers.next().value} `).join("");
        expect(textOf(withNumbers(one))).toBe(textOf(withNumbers(other)));
      }),
    );
  });

  it("does not change with any value of a kind, and tells errors of different words apart", () => {
    const filled = (template: string): fc.Arbitrary<string> => {
      const parts = template
        .split(/\{(\w+)\}/)
        .map((part, index) => (index % 2 === 0 ? fc.constant(part) : values[part]));
      return fc.tuple(...(parts as fc.Arbitrary<string>[])).map((texts) => texts.join(""));
    };
    fc.assert(
      fc.property(fc.tuple(...TEMPLATES.map(filled)), fc.tuple(...TEMPLATES.map(filled)), (some, others) => {
        expect(others.map(errorFingerprint)).toEqual(some.map(errorFingerprint));
        expect(new Set(some.map((error) => errorFingerprint(error).hash)).size).toBe(TEMPLATES.length);
      }),
      { numRuns: 300 },
    );
  });

  // What happens to be a word, or a name with a number behind it, stays one.
  it.each<[string, number, (bytes: Buffer) => string, number]>([
    ["nanoid", 21, (bytes) => lettersOf(BASE_64_URL, bytes), 90],
    ["base 64 for URLs", 16, (bytes) => bytes.toString("base64url"), 90],
    ["three of these with dots", 90, (bytes) => bytes.toString("base64url").replace(/(.{40})(?=.)/g, "$1."), 100],
    ["base 64", 16, (bytes) => bytes.toString("base64"), 5],
    ["long base 64", 56, (bytes) => bytes.toString("base64"), 5],
    ["24 of base 62", 24, (bytes) => `org-${lettersOf(BASE_62, bytes)}`, 10],
    ["11 of base 62", 11, (bytes) => lettersOf(BASE_62, bytes), 90],
    ["8 of base 36", 8, (bytes) => lettersOf(BASE_36, bytes), 150],
    ["7 of hex", 4, (bytes) => bytes.toString("hex").slice(1), 10],
    ["4 of hex", 2, (bytes) => bytes.toString("hex"), 90],
  ])("has few texts for a thousand ids by lot: %s", (_what, length, write, most) => {
    const texts = drawn(length).map((bytes) => textOf(`request ${write(bytes)} was refused`));

    expect(new Set(texts).size).toBeLessThanOrEqual(most);
  });

  it.each<[string, string]>([
    ["letters", "a"],
    ["quotes", "'a1"],
    ["lines", "\n"],
    ["digits", "1"],
    ["mail", "a@"],
    ["colons", "0a:"],
    ["dots", "1.1.1.1."],
    ["dates", "Mon Jan 1 "],
    ["lists", "1, "],
    ["frames", '  File "x", line 1\n'],
    ["bytes", "ab:"],
    ["dashes", "aB1-_"],
    ["padding", "aB1/=="],
    ["tokens", "eyJaaaaa."],
    ["pods", "b-bbbbbb-"],
    ["codes", "code AB1 Error: A"],
    ["digits of other scripts", "１½"],
    ["objects", '{"error":'],
  ])("is quick on megabytes of %s", (_what, piece) => {
    const long = piece.repeat(Math.ceil(4_000_000 / piece.length));
    const startedAt = performance.now();
    errorFingerprint(long);
    errorFingerprint(`Traceback (most recent call last)\n${long}`);

    expect(performance.now() - startedAt).toBeLessThan(250);
  });

  it("of a long traceback is of what it says at its end", () => {
    const frames = '  File "/app/deep.py", line 3, in f\n    f()\n'.repeat(500);

    expect(
      textOf(`Traceback (most recent call last):\n${frames}RecursionError: maximum recursion depth exceeded`),
    ).toBe("RecursionError: maximum recursion depth exceeded");
  });
});
