/** What can be set for a stage. Every setting has a default: a first deployment needs none. */
import * as v from "valibot";
import { LONGEST_RETENTION_DAYS } from "../shared/contract/app-settings.ts";
import { DEFAULT_RETENTION_DAYS } from "../shared/domain/retention.ts";
import { OidcSettings } from "../shared/oidc/oidc-settings.ts";

const wholeNumber = (least: number, most: number) => {
  const message = `expected a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};

const Limit = v.strictObject({
  /** Requests a second that a tenant has for good. */
  requestsPerSecond: wholeNumber(1, 10_000),
  /** Requests at once that a tenant can save up. */
  burst: wholeNumber(1, 5_000),
});

const StageSettings = v.strictObject({
  /** How long runs are kept after their end (days). */
  retentionDays: v.optional(wholeNumber(1, LONGEST_RETENTION_DAYS), DEFAULT_RETENTION_DAYS),
  /** How long the functions' logs are kept (days); one of the spans that CloudWatch knows. */
  logDays: v.optional(
    v.picklist([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], "expected a span that CloudWatch has"),
    30,
  ),
  /** Who gets a mail when an alarm goes off. Without it alarms only show their state. */
  alarmEmail: v.optional(v.pipe(v.string(), v.email("expected an e-mail address"))),
  /** A name of your own for the API, with a certificate for it in the same region. */
  domainName: v.optional(
    v.strictObject({
      name: v.pipe(v.string(), v.regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, "expected a domain name in lower case")),
      certificateArn: v.pipe(
        v.string(),
        v.regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/, "expected the ARN of a certificate"),
      ),
    }),
  ),
  keys: v.optional(
    v.strictObject({
      /** How long API Gateway remembers who a credential is (seconds): a revoked key works this long at the most. */
      cacheSeconds: v.optional(wholeNumber(0, 3600), 60),
      /** A key older than this is refused, whatever its own expiry (days). */
      longestDays: v.optional(wholeNumber(1, 3650)),
    }),
    {},
  ),
  /** An issuer whose JWTs are accepted beside keys. */
  oidc: v.optional(OidcSettings),
  queue: v.optional(
    v.pipe(
      v.strictObject({
        /** Messages that the consumer takes at once; what belongs to one run is packed together. */
        batchSize: v.optional(wholeNumber(1, 1000), 100),
        /** How long it waits for a batch to fill (seconds). */
        windowSeconds: v.optional(wholeNumber(0, 300), 2),
        /** Consumers at a time. */
        maxConcurrency: v.optional(wholeNumber(2, 1000), 10),
        /** Tries of a message before it goes to the dead letters. */
        maxReceiveCount: v.optional(wholeNumber(1, 1000), 5),
      }),
      v.forward(
        v.check(
          ({ batchSize, windowSeconds }) => batchSize <= 10 || windowSeconds >= 1,
          "expected at least 1 where a batch has more than 10 messages",
        ),
        ["windowSeconds"],
      ),
    ),
    {},
  ),
  /** Requests of all tenants together, for each route. */
  throttle: v.optional(Limit, { requestsPerSecond: 1000, burst: 2000 }),
  /**
   * How many of a function may run at once, taken out of the account's Lambda concurrency and kept free for it. Without it
   * they share what the account has: set it where one kind of load must not starve another.
   */
  concurrency: v.optional(
    v.strictObject({
      ingest: v.optional(wholeNumber(1, 10_000)),
      query: v.optional(wholeNumber(1, 10_000)),
      control: v.optional(wholeNumber(1, 10_000)),
      authorize: v.optional(wholeNumber(1, 10_000)),
    }),
    {},
  ),
  /**
   * Requests of each tenant. `standard` holds for a tenant that was admitted without a plan, and, shared, for all that
   * were not admitted (`npm run cli -- tenants admit`). Following a run's events, which can hold a request for 20 seconds,
   * is limited to a tenth of it, so that no tenant holds all the functions there are.
   */
  limits: v.optional(
    v.strictObject({
      plans: v.pipe(
        v.record(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,30}$/, "expected a plan's name in lower case")), Limit),
        v.check((plans) => "standard" in plans, 'expected a plan named "standard"'),
      ),
      /**
       * Whether a request without a usage key is refused. False for the minutes after limits were turned on for a stage in
       * use, and on emulators that do not take the key from the authorizer: limits then hold who comes with a key.
       */
      areDemanded: v.optional(v.boolean(), true),
    }),
  ),
  alarms: v.optional(
    v.strictObject({
      /** The oldest message of the queue may be this old (seconds). */
      oldestMessageSeconds: v.optional(wholeNumber(60, 86_400), 300),
      /** Answers of 5xx in five minutes before it is an alarm. */
      serverErrors: v.optional(wholeNumber(1, 100_000), 5),
      /** Throttled invocations of a function in five minutes before it is an alarm. */
      throttles: v.optional(wholeNumber(1, 100_000), 5),
      /** How far domain events may lag behind (seconds). */
      streamLagSeconds: v.optional(wholeNumber(60, 86_400), 300),
    }),
    {},
  ),
});

/** The settings of a stage as its file writes them. */
export type StageSettings = v.InferInput<typeof StageSettings>;

/** The settings of a stage with every default filled in. */
export type Settings = v.InferOutput<typeof StageSettings>;

/** Checks a stage's settings. Throws an error of one line for each thing that is wrong, with its path. */
export function readSettings(stage: string, settings: unknown): Settings {
  const result = v.safeParse(StageSettings, settings);
  if (result.success) return result.output;
  const lines = result.issues.map((issue) => {
    const isUnknown = issue.expected === "never";
    return `  ${v.getDotPath(issue) ?? "settings"}: ${isUnknown ? "there is no such setting" : issue.message}`;
  });
  throw new Error(`infra/stages/${stage}.ts is not valid:\n${lines.join("\n")}`);
}
