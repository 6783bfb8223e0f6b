import { appendFileSync } from "node:fs";
import { type Deployment, deployment } from "./deployment.ts";

/** Where the suite notes what it leaves out, and what it does in another way, a line of JSON each. */
export const NOTES_VARIABLE = "RUNSTONE_E2E_NOTES";

/** A thing that was left out, or done otherwise, and why. */
export interface Note {
  readonly kind: "skipped" | "otherwise";
  readonly name: string;
  readonly why: string;
}

const note = (one: Note): void => {
  const file = process.env[NOTES_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(one)}\n`);
};

/** The plan that a stage must have for its limits to be met in a few seconds. */
export const SMALL_PLAN = "small";

/** What a test may need of the stage or of its server: the reason where it is not there. */
const NEEDS = {
  /** To break a function and mend it again. */
  breakableFunctions: ({ server }) =>
    server === "AWS" ? "it breaks a function, which the suite does on emulators only" : undefined,
  /** Lambda keeps in a bucket what it gave up of a stream. */
  failedBatches: ({ server }) =>
    server === "MiniStack"
      ? "MiniStack has no on-failure destination in S3"
      : "Lambda gives a batch of the stream up after an hour",
  /** The front ends a request that never comes to its end. */
  cutBodies: ({ server }) =>
    server === "MiniStack"
      ? "MiniStack waits for a body for ever; proven on the embedded front, test/integration/slow-clients.test.ts"
      : undefined,
  /** Requests are counted by the key that the authorizer names. */
  usageKeysOfTheAuthorizer: ({ server, settings, usagePlans }) => {
    if (usagePlans?.[SMALL_PLAN] === undefined) return `the stage has no plan "${SMALL_PLAN}"`;
    if (settings.limits?.areDemanded) return undefined;
    return `${server} takes a usage key from the header x-api-key only`;
  },
  /** Requests can be counted by a key that the caller sends. */
  usageKeysOfTheCaller: ({ settings, usagePlans }) => {
    if (usagePlans?.[SMALL_PLAN] === undefined) return `the stage has no plan "${SMALL_PLAN}"`;
    return settings.limits?.areDemanded ? "the authorizer names the usage key: callers send none" : undefined;
  },
  /** A plan limits single routes. */
  limitsOfRoutes: ({ server, usagePlans }) => {
    if (usagePlans?.[SMALL_PLAN] === undefined) return `the stage has no plan "${SMALL_PLAN}"`;
    return server === "MiniStack" ? "MiniStack drops a plan's limits of single routes" : undefined;
  },
  /** Links to objects are held to what they were signed for. */
  signaturesOfLinks: ({ server }) =>
    server === "LocalStack" || server === "emulator" ? `${server} verifies no signatures of links` : undefined,
  /** The suite can be the issuer that the stage trusts. */
  ownIssuer: ({ server, settings }) => {
    if (settings.oidc === undefined || new URL(settings.oidc.jwksUrl).hostname !== "127.0.0.1") {
      return "the stage trusts no issuer that the suite could be (settings: oidc.jwksUrl on 127.0.0.1)";
    }
    // Elsewhere functions run in containers, whose 127.0.0.1 is their own.
    return server === "MiniStack" ? undefined : `functions of ${server} do not reach the suite's issuer`;
  },
} satisfies Record<string, (deployment: Deployment) => string | undefined>;

/** A thing that not every stage has. */
export type Need = keyof typeof NEEDS;

/** Why the stage has no such thing; undefined where it has. */
export const lackOf = (need: Need): string | undefined => NEEDS[need](deployment());

/** A test that is skipped by its name, and said so at the end, where the stage lacks what it needs. */
export const testNeeding = (need: Need, name: string, run: () => Promise<void>, timeoutMs?: number): void => {
  const why = lackOf(need);
  if (why === undefined) {
    test(name, run, timeoutMs);
    return;
  }
  note({ kind: "skipped", name, why });
  test.skip(name, run);
};

/** Says at the end that something is proven in another way than on AWS. */
export const noteOtherwise = (name: string, why: string): void => note({ kind: "otherwise", name, why });
