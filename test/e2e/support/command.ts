import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { deployment } from "./deployment.ts";

const CLI = join(__dirname, "../../../cli/cli.ts");
const run = promisify(execFile);

/** What `npm run cli -- <arguments> --stage <the stage>` prints. Rejects where it exits with another code than 0. */
export const command = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, [CLI, ...args, "--stage", deployment().stage]);
  return stdout;
};

/** The same with `--json`, parsed. */
// biome-ignore lint/suspicious/noExplicitAny: tests read answers as a script does
export const commandJson = async (...args: readonly string[]): Promise<any> =>
  JSON.parse(await command(...args, "--json"));
