import * as v from "valibot";
import type { Table } from "../../shared/dynamodb/document-client.ts";
import { dynamoTenantStore } from "../../shared/dynamodb/dynamo-tenant-store.ts";
import { OidcSettingsText } from "../../shared/oidc/oidc-settings.ts";
import { oidcTokenVerifier } from "../../shared/oidc/oidc-token-verifier.ts";
import type { AuthorizeSettings } from "./authorize.ts";

const DAYS = "expected a whole number of days from 1 on";

const Variables = v.object({
  /** An issuer whose tokens are accepted, as JSON; without it only keys are. */
  OIDC: v.optional(OidcSettingsText),
  /** A key older than this is refused, whatever its own expiry. */
  LONGEST_KEY_DAYS: v.optional(v.pipe(v.string(DAYS), v.regex(/^[1-9]\d{0,5}$/, DAYS), v.transform(Number))),
  /** The value of the key in API Gateway that tenants without limits of their own share; without it nothing is counted. */
  USAGE_KEYS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\x21-\x7e]{20,128}$/, "expected the value of an API Gateway key: 20 to 128 characters"),
    ),
  ),
  /** Names of the stage's usage plans, separated by commas. A tenant whose plan is not among them shares the key above. */
  USAGE_PLANS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[^\s,]+(,[^\s,]+)*$/, "expected names of usage plans, separated by commas"),
      v.transform((names) => names.split(",")),
    ),
  ),
});

type Variables = v.InferOutput<typeof Variables>;

/** Of `USAGE_KEYS` and `USAGE_PLANS`, the one without the other means nothing. */
const isSetWith =
  (one: "USAGE_KEYS" | "USAGE_PLANS", other: "USAGE_KEYS" | "USAGE_PLANS") =>
  (variables: Variables): boolean =>
    variables[one] !== undefined || variables[other] === undefined;

const Environment = v.pipe(
  Variables,
  v.forward(v.check(isSetWith("USAGE_KEYS", "USAGE_PLANS"), "must be set where USAGE_PLANS is"), ["USAGE_KEYS"]),
  v.forward(v.check(isSetWith("USAGE_PLANS", "USAGE_KEYS"), "must be set where USAGE_KEYS is"), ["USAGE_PLANS"]),
);

/** The part of an issue that says what is wrong, under the variable and the setting in it. */
const lineOf = (issue: v.BaseIssue<unknown>): string => {
  const message = issue.expected === "never" ? "there is no such setting" : issue.message;
  return `${v.getDotPath(issue) ?? "environment"}: ${issue.received === "undefined" ? "must be set" : message}`;
};

/** What the environment asks of credentials. Throws an error of one line that names every variable that is wrong. */
export const authorizeSettings = (
  variables: Readonly<Record<string, string | undefined>>,
  table: Table,
): AuthorizeSettings => {
  const result = v.safeParse(Environment, variables);
  if (!result.success) throw new Error(result.issues.map(lineOf).join("; "));
  const { OIDC, LONGEST_KEY_DAYS, USAGE_KEYS, USAGE_PLANS } = result.output;
  return {
    keyPolicy: { longestKeyDays: LONGEST_KEY_DAYS },
    tokens: OIDC && oidcTokenVerifier(OIDC),
    limits:
      USAGE_KEYS === undefined || USAGE_PLANS === undefined
        ? undefined
        : { tenants: dynamoTenantStore(table), plans: USAGE_PLANS, sharedUsageKey: USAGE_KEYS },
  };
};
