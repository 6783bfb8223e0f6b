import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map((match) => match[1] ?? "");

const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const needsShell = has("bash") && has("curl");

/** A place where a reader stands: the project's files, and a stack that was started there. */
const startReaderAt = async (directory: string): Promise<ChildProcess> => {
  for (const name of ["events", "node_modules"]) symlinkSync(join(root, name), join(directory, name));
  const stack = spawn(process.execPath, [join(root, "local/start.ts")], {
    cwd: directory,
    env: { ...process.env, PORT: "0", RUNSTONE_DATA_DIR: ".runstone" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    stack.stdout?.once("data", () => resolve());
    stack.once("exit", () => reject(new Error("the stack did not start")));
  });
  return stack;
};

describe("what the README shows", () => {
  let directory: string;
  let stack: ChildProcess;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "runstone-readme-"));
    stack = await startReaderAt(directory);
    const local = JSON.parse(readFileSync(join(directory, ".runstone/local.json"), "utf8")) as { api_url: string };
    environment = { ...process.env, API: local.api_url };
  }, 30_000);

  afterAll(async () => {
    const isOver = new Promise((resolve) => stack.once("exit", resolve));
    stack.kill("SIGTERM");
    await isOver;
    rmSync(directory, { recursive: true, force: true });
  });

  (needsShell ? test : test.skip)("answers each request of the examples (needs bash and curl)", () => {
    const script = blocks("sh").join("\n");

    const printed = execFileSync("bash", ["-euo", "pipefail", "-c", script], {
      cwd: directory,
      env: environment,
    }).toString();

    expect(printed).not.toContain('"code"');
    expect(printed).toContain('"accepted":2');
    expect(printed).toContain("12345678901234567890");
    expect(printed).toContain('"amount":1.0');
    expect(printed).toContain('"ignored":');
  });

  test("takes an event from the queue", async () => {
    const [program] = blocks("js");
    writeFileSync(join(directory, "send.mjs"), program ?? "");

    const printed = execFileSync(process.execPath, ["send.mjs"], { cwd: directory, env: environment }).toString();

    expect(printed).toBe("sent\n");
    const { keys } = JSON.parse(readFileSync(join(directory, ".runstone/local.json"), "utf8"));
    const read = () =>
      fetch(`${environment["API"]}/v1/runs/order-2`, { headers: { authorization: `Bearer ${keys.demo}` } });
    let answer = await read();
    for (let tries = 0; answer.status === 404 && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await read();
    }
    expect(await answer.json()).toMatchObject({ run_id: "order-2", status: "running" });
  }, 20_000);

  test("names only scripts and files that are there", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map((match) => match[1] ?? "");
    const paths = [...readme.matchAll(/`((?:events|local|shared|functions|bench|test|infra)\/[\w./-]*)`/g)];

    for (const name of named) expect(Object.keys(scripts)).toContain(name);
    for (const [, path] of paths) expect(existsSync(join(root, path ?? "")) ? "" : path).toBe("");
  });
});
