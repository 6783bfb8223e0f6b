import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalJson } from "../../local/local-json.ts";

const root = join(__dirname, "../..");

/** `npm start` in a data directory of its own. */
export interface EmbeddedStack {
  readonly directory: string;
  readonly local: LocalJson;
  stop(): Promise<void>;
}

type Stderr = "inherit" | "pipe" | "ignore";

/** The process of an embedded stack, with nothing of AWS in its environment but what is given. */
export const spawnStack = (environment: Readonly<Record<string, string>>, stderr: Stderr): ChildProcess => {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  return spawn(process.execPath, [join(root, "local/start.ts")], {
    cwd: root,
    env: { ...Object.fromEntries(ours), PORT: "0", ...environment },
    stdio: ["ignore", "pipe", stderr],
  });
};

/** Starts a stack and waits until it is ready. Faults that are meant to happen can be ignored. */
export const startEmbeddedStack = async (
  environment: Readonly<Record<string, string>> = {},
  stderr: Stderr = "inherit",
): Promise<EmbeddedStack> => {
  const directory = mkdtempSync(join(tmpdir(), "runstone-stack-"));
  const child = spawnStack({ ...environment, RUNSTONE_DATA_DIR: directory }, stderr);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", () => reject(new Error("the stack did not start")));
  });
  return {
    directory,
    local: JSON.parse(readFileSync(join(directory, "local.json"), "utf8")) as LocalJson,
    stop: async () => {
      const isOver = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await isOver;
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
