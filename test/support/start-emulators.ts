/** Jest's global set-up: starts the servers that integration tests use, once for all of them. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

declare global {
  var emulatorsProcess: ChildProcess | undefined;
}

/** The endpoints reach the tests as `RUNSTONE_TEST_DYNAMODB`, `RUNSTONE_TEST_SQS` and `RUNSTONE_TEST_S3`. */
async function startEmulators({ rootDir }: { rootDir: string }): Promise<void> {
  const child = spawn("node_modules/.bin/node", ["test/support/emulators-process.ts"], {
    cwd: rootDir,
    stdio: ["pipe", "pipe", "inherit"],
  });
  globalThis.emulatorsProcess = child;
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the emulators ended with code ${code} before they were ready`)));
  });
  const endpoints = JSON.parse(line) as { dynamodb: string; sqs: string; s3: string };
  process.env["RUNSTONE_TEST_DYNAMODB"] = endpoints.dynamodb;
  process.env["RUNSTONE_TEST_SQS"] = endpoints.sqs;
  process.env["RUNSTONE_TEST_S3"] = endpoints.s3;
}

// biome-ignore lint/style/noDefaultExport: Jest takes a set-up by its default export
export default startEmulators;
