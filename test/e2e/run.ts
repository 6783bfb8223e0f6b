/** `npm run test:deployed`: the end-to-end suite, against a stage on AWS or on an emulator. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import path from "node:path";
import { CommandFailure } from "../../cli/command-failure.ts";
import { parseCommand, TARGET_OPTIONS } from "../../cli/command-line.ts";
import { failureLine } from "../../cli/failure-line.ts";
import { findDeployment } from "./find-deployment.ts";
import { DEPLOYMENT_VARIABLE, type Deployment } from "./support/deployment.ts";
import { NOTES_VARIABLE, type Note } from "./support/needs.ts";

const HELP = `Usage: npm run test:deployed -- [--stage NAME] [--region R] [--only FILES]

Runs the end-to-end suite against a deployed stage. It writes runs, keys and messages under tenants of its own that
nobody else has (e2e-...). It takes its keys back at the end; its runs stay until their retention is over.

  --stage   the stage; demanded on AWS, "emulator" where AWS_ENDPOINT_URL is set
  --region  its region (default: what the environment says)
  --only    only the files of test/e2e/ whose names match, as in "queue|limits"

What the stage or its server lacks is skipped by name, and listed at the end.`;

const ROOT = path.resolve(import.meta.dirname, "../..");

/** Dummy credentials for an emulator, and no file of real ones. */
const standInEnvironment = (region: string | undefined): NodeJS.ProcessEnv => ({
  AWS_REGION: region ?? (process.env["AWS_REGION"] || "us-east-1"),
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_CONFIG_FILE: devNull,
});

const prepareEnvironment = (isEmulator: boolean, region: string | undefined): void => {
  if (isEmulator) {
    for (const name of ["AWS_PROFILE", "AWS_SESSION_TOKEN"]) delete process.env[name];
    Object.assign(process.env, standInEnvironment(region));
  } else if (region !== undefined) {
    process.env["AWS_REGION"] = region;
  }
};

/** Resolves to Jest's exit code. */
const runJest = async (only: string | undefined): Promise<number> => {
  const jest = path.join(ROOT, "node_modules/jest/bin/jest.js");
  const config = path.join(ROOT, "test/e2e/jest.config.json");
  // One file after the other: some break what all of them use.
  const args = [jest, "--config", config, "--runInBand", ...(only === undefined ? [] : [only])];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
};

const tellNotes = (file: string): void => {
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  const notes = lines.map((line) => JSON.parse(line) as Note);
  for (const kind of ["otherwise", "skipped"] as const) {
    const told = notes.filter((note) => note.kind === kind);
    for (const { name, why } of told) console.log(`${kind}: ${name}: ${why}`);
    if (told.length === 0) console.log(`${kind}: nothing`);
  }
};

const testDeployment = async (deployment: Deployment, only: string | undefined): Promise<void> => {
  const directory = mkdtempSync(path.join(tmpdir(), "runstone-e2e-"));
  const notes = path.join(directory, "notes.ndjson");
  process.env[DEPLOYMENT_VARIABLE] = path.join(directory, "deployment.json");
  process.env[NOTES_VARIABLE] = notes;
  try {
    writeFileSync(process.env[DEPLOYMENT_VARIABLE], JSON.stringify(deployment));
    // Jest gets the interrupt as well, and ends at once; what it left broken is mended here.
    process.once("SIGINT", () => undefined);
    process.exitCode = await runJest(only);
    tellNotes(notes);
    if (deployment.server !== "AWS") await (await import("./support/breakage.ts")).mend();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

async function main(): Promise<void> {
  const options = { ...TARGET_OPTIONS, only: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
  const { values } = parseCommand(process.argv.slice(2), options);
  if (values.help) return console.log(HELP);
  const isEmulator = Boolean(process.env["AWS_ENDPOINT_URL"]);
  const stage = values.stage ?? (isEmulator ? "emulator" : undefined);
  if (stage === undefined) {
    throw new CommandFailure(
      "--stage is needed: on AWS the suite runs against a stage that you name (--help says more)",
    );
  }
  prepareEnvironment(isEmulator, values.region);
  const deployment = await findDeployment(stage, process.env);
  const where = deployment.endpoint ?? deployment.region;
  console.log(`The stage ${stage} on ${deployment.server} (${where}), API ${deployment.apiUrl}\n`);
  await testDeployment(deployment, values.only);
}

main().catch((error: unknown) => {
  console.error(failureLine(error) ?? error);
  process.exitCode = 1;
});
