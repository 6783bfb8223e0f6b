import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { coldStarts } from "./cold.ts";
import { coldText } from "./cold-report.ts";
import { processorTimes } from "./processor-time.ts";
import { readPrices } from "./read-price.ts";
import { chargesText, reportJson, reportText } from "./report.ts";
import { readWorkloads } from "./workloads.ts";
import { writePrices } from "./write-price.ts";

const HELP = `npm run bench [-- options]
npm run bench -- cold [--json]

What recording and reading runs costs on AWS, and how much processor time it takes. Needs no account and no network:
the emulator takes the writes, and what DynamoDB would bill is computed from the sizes of the items themselves.

"cold" measures cold starts instead: how large the bundle of each function is, how long a fresh process takes to load it,
as CommonJS and as ES module, and how long its first request takes, beside a bundle of only the DynamoDB client,
lib-dynamodb and middy.

  --json       the report as JSON (npm run -s bench -- --json leaves npm's own lines out)
  --charges    also every charge of every recorded run: item, bytes, units
  --data DIR   where the reference runs t1, t2 and t3 (.ndjson) are; otherwise ../shared/data beside the project
  --help       this text
`;

const pathTo = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const startEmulator = async (): Promise<{ endpoint: string; stop: () => void }> => {
  const child = fork(new URL("./emulator-process.ts", import.meta.url));
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once("message", (message) => resolve(String(message)));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the emulator ended with code ${code} before it was ready`)));
  });
  return { endpoint, stop: () => child.disconnect() };
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    charges: { type: "boolean", default: false },
    data: { type: "string", default: pathTo("../../shared/data") },
    help: { type: "boolean", default: false },
  },
});

const isCold = positionals.length === 1 && positionals[0] === "cold";

if (options.help) process.stdout.write(HELP);
else if (positionals.length > 0 && !isCold) {
  process.stderr.write(`there is no benchmark "${positionals.join(" ")}"\n\n${HELP}`);
  process.exitCode = 1;
} else if (isCold) {
  const emulator = await startEmulator();
  try {
    const starts = await coldStarts(emulator.endpoint, (done, of) => process.stderr.write(`round ${done} of ${of}\n`));
    console.log(options.json ? JSON.stringify(starts, null, 2) : coldText(starts));
  } finally {
    emulator.stop();
  }
} else {
  const { workloads, missing } = readWorkloads({
    referenceDirectory: options.data,
    ownDirectory: pathTo("../events/runs"),
  });
  const emulator = await startEmulator();
  try {
    const report = {
      missing,
      writing: await writePrices(emulator.endpoint, workloads),
      reading: await readPrices(emulator.endpoint, workloads),
      processor: await processorTimes(emulator.endpoint, workloads),
    };
    if (options.json) console.log(reportJson(report, { hasCharges: options.charges }));
    else {
      console.log(reportText(report));
      if (options.charges) console.log(`\n${chargesText(report.writing)}`);
    }
  } finally {
    emulator.stop();
  }
}
