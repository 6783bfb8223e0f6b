import { spawnSync } from "node:child_process";
import { devNull } from "node:os";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");

/** Where the emulator answers where nothing else is said: LocalStack's port, and MiniStack's. */
export const DEFAULT_ENDPOINT = "http://127.0.0.1:4566";

/** The account of every emulator. */
export const ACCOUNT = "000000000000";

/** What names the stage of the emulator to the CDK app. */
export const STAGE = ["-c", "stage=emulator"] as const;

/** The environment of a command that talks to the emulator: dummy credentials, and no file of real ones. */
export function emulatorEnvironment(endpoint: string): NodeJS.ProcessEnv {
  const region = process.env["AWS_REGION"] || "us-east-1";
  const { AWS_PROFILE: _profile, AWS_SESSION_TOKEN: _token, ...rest } = process.env;
  return {
    ...rest,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_CONFIG_FILE: devNull,
  };
}

/** Where the emulator answers. Ends the process with one line where none does, or where it is AWS itself. */
export async function runningEmulator(): Promise<string> {
  const endpoint = process.env["AWS_ENDPOINT_URL"] || DEFAULT_ENDPOINT;
  if (new URL(endpoint).hostname.endsWith("amazonaws.com")) {
    console.error(`${endpoint} is AWS itself: use \`npx cdk deploy --all\`.`);
    process.exit(1);
  }
  if ((await fetch(endpoint).catch(() => undefined)) === undefined) {
    console.error(`No emulator answers at ${endpoint}: start one (README, "On an emulator"), or set AWS_ENDPOINT_URL.`);
    process.exit(1);
  }
  return endpoint;
}

/** Runs the project's own CDK command line; gives what it said. Ends the process where it fails. */
export function cdk(environment: NodeJS.ProcessEnv, ...args: string[]): string {
  const command = path.join(ROOT, "node_modules/aws-cdk/bin/cdk");
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, "--no-color"], {
    cwd: ROOT,
    env: environment,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const said = `${stdout}${stderr}`;
  if (status === 0) return said;
  console.error(`${said}\ncdk ${args[0]} failed.`);
  process.exit(1);
}
