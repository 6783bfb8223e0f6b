import { readFileSync } from "node:fs";
import type { FunctionName } from "../../../build/bundle.ts";
import type { Settings } from "../../../infra/settings.ts";

/** Who answers as AWS. */
export type Server = "AWS" | "MiniStack" | "LocalStack" | "emulator";

/** A deployed stage, as its stacks tell of themselves. */
export interface Deployment {
  readonly stage: string;
  readonly server: Server;
  /** Undefined on AWS. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** What the paths of the contract are appended to. */
  readonly apiUrl: string;
  readonly tableName: string;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly eventBusName: string;
  readonly failuresBucketName: string;
  /** Ids of usage plans by name; undefined: the stage has no limits by tenant. */
  readonly usagePlans: Readonly<Record<string, string>> | undefined;
  /** Names of functions. */
  readonly functions: Readonly<Record<FunctionName, string>>;
  /** Log groups of the functions, and of the API. */
  readonly logGroups: readonly string[];
  /** As `infra/stages/` has them. */
  readonly settings: Settings;
}

/** Where `run.ts` leaves what it has found, for the tests. */
export const DEPLOYMENT_VARIABLE = "RUNSTONE_E2E_DEPLOYMENT";

const read = (): Deployment => {
  const file = process.env[DEPLOYMENT_VARIABLE];
  if (file === undefined) throw new Error("the end-to-end suite is started by `npm run test:deployed`");
  return JSON.parse(readFileSync(file, "utf8")) as Deployment;
};

let found: Deployment | undefined;

/** The stage that is tested. */
export const deployment = (): Deployment => {
  found ??= read();
  return found;
};
