import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const root = join(__dirname, "../..");

/** What a command printed, and how it ended. */
export interface CliOutcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line as a process of its own, which sees nothing of AWS but what `environment` says. */
export const runCli = async (
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CliOutcome> => {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  const child = spawn(process.execPath, [join(root, "cli/cli.ts"), ...args], {
    cwd: root,
    env: { ...Object.fromEntries(ours), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
};
