/** `npm run cli -- <group> <command> ...`: what operators do. Exits 1, with a line on standard error, where it cannot be done. */
import { setTimeout } from "node:timers/promises";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { failureLine } from "./failure-line.ts";
import { failuresGroup } from "./failures.ts";
import { importGroup } from "./import.ts";
import { keysGroup } from "./keys.ts";
import { quarantineGroup } from "./quarantine.ts";
import { rebuildGroup } from "./rebuild.ts";
import { tenantsGroup } from "./tenants.ts";

/** A group is added by a line here. */
const GROUPS: readonly CommandGroup[] = [
  failuresGroup,
  importGroup,
  keysGroup,
  quarantineGroup,
  rebuildGroup,
  tenantsGroup,
];

const HELP = `Usage: npm run cli -- <command> ...

${GROUPS.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n")}

Each has a help of its own: npm run cli -- keys --help
Commands work on the embedded stack that runs here (npm start), with --stage NAME on a deployed one.
npm prints lines of its own before a command's; for scripts: npm run --silent cli -- ...`;

const asksForHelp = (arg: string | undefined): boolean => arg === "--help" || arg === "-h";

async function main(args: readonly string[], io: CommandIo): Promise<void> {
  const [name, ...rest] = args;
  if (asksForHelp(name) || name === "help") return io.print(HELP);
  const group = GROUPS.find((it) => it.name === name);
  if (group === undefined) {
    console.error(name === undefined ? HELP : `there is no command ${JSON.stringify(name)}\n\n${HELP}`);
    process.exitCode = 1;
  } else if (rest.some(asksForHelp)) {
    io.print(group.help);
  } else {
    await group.run(rest, io);
  }
}

const io: CommandIo = {
  environment: process.env,
  now: () => Date.now(),
  print: (text) => console.log(text),
  note: (line) => console.error(line),
  pause: (seconds) => setTimeout(seconds * 1000),
};

main(process.argv.slice(2), io).catch((error: unknown) => {
  console.error(failureLine(error) ?? error);
  process.exitCode = 1;
});
