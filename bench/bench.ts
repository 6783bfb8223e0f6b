import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { coldStarts } from "./cold.ts";
import { coldText } from "./cold-report.ts";
import { findPrices } from "./find.ts";
import { findText } from "./find-report.ts";
import { followPrices } from "./follow-price.ts";
import { processorTimes } from "./processor-time.ts";
import { readPrices } from "./read-price.ts";
import { chargesText, reportJson, reportText } from "./report.ts";
import { readWorkloads } from "./workloads.ts";
import { writePrices } from "./write-price.ts";

const HELP = `npm run bench [-- options]
npm run bench -- cold [--json]
npm run bench -- find [--runs 20000] [--apps 40] [--json]

What recording, following and reading runs costs on AWS, and how much processor time it takes. Needs no account and no network:
the emulator takes the writes, and what DynamoDB would bill is computed from the sizes of the items themselves.

"cold" measures cold starts instead: how large the bundle of each function is, how long a fresh process takes to load it,
as CommonJS and as ES module, and how long its first request takes, beside a bundle of only the DynamoDB client,
lib-dynamodb and middy.

"find" seeds runs of apps of uneven size and measures lists, counts and statistics: read units, and times on this machine.
It ends with code 1 where a deep page costs more read units than the first, a page of failures more than 2, a sparse filter
looks at more rows than its bound, statistics cost more where the history is longer or a quarter of an hour is busy, or
summing up writes where nothing is new.

  --json       the report as JSON (npm run -s bench -- --json leaves npm's own lines out)
  --charges    also every charge of every recorded run: item, bytes, units
  --runs N     "find": how many runs are seeded (200000 take some minutes)
  --apps N     "find": of how many apps, two at the least
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
    runs: { type: "string", default: "20000" },
    apps: { type: "string", default: "40" },
    data: { type: "string", default: pathTo("../../shared/data") },
    help: { type: "boolean", default: false },
  },
});

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const [benchmark] = positionals.length > 1 ? [positionals.join(" ")] : positionals;
const [runs, apps] = [Number(options.runs), Number(options.apps)];

if (options.help) process.stdout.write(HELP);
else if (
  benchmark === "find" &&
  !(Number.isSafeInteger(runs) && Number.isSafeInteger(apps) && apps > 1 && runs >= 100)
) {
  tell(`expected --runs of 100 at least and --apps of 2 at least, came ${options.runs} and ${options.apps}`);
  process.exitCode = 1;
} else if (benchmark === "find") {
  const emulator = await startEmulator();
  try {
    const report = await findPrices(emulator.endpoint, { runs, apps, tell });
    console.log(options.json ? JSON.stringify(report, null, 2) : findText(report));
    if (Object.values(report.isKept).includes(false)) process.exitCode = 1;
  } finally {
    emulator.stop();
  }
} else if (benchmark !== undefined && benchmark !== "cold") {
  tell(`there is no benchmark "${benchmark}"\n\n${HELP}`);
  process.exitCode = 1;
} else if (benchmark === "cold") {
  const emulator = await startEmulator();
  try {
    const starts = await coldStarts(emulator.endpoint, (done, of) => tell(`round ${done} of ${of}`));
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
      following: await followPrices(emulator.endpoint, workloads),
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
