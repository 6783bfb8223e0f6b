import type { FollowPrice } from "./follow-price.ts";
import { type Bill, PRICES } from "./prices.ts";
import type { ProcessorTime } from "./processor-time.ts";
import type { ReadPrice } from "./read-price.ts";
import type { WritePrice } from "./write-price.ts";

/** Everything that the benchmark found. */
export interface Report {
  readonly missing: readonly string[];
  readonly writing: readonly WritePrice[];
  readonly following: readonly FollowPrice[];
  readonly reading: readonly ReadPrice[];
  readonly processor: readonly ProcessorTime[];
}

const INDEXES = ["runs_by_time", "runs_by_status", "runs_by_parent"] as const;

const number = (value: number, digits = 2): string => value.toFixed(digits).replace(/\.?0+$/, "") || "0";
const dollars = (value: number): string => value.toFixed(2);

/** Columns: the first to the left, the others to the right. */
export const tableText = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
};

const nameOf = ({ workload, delivery }: { workload: string; delivery: string }): string => `${workload}, ${delivery}`;

const verdict = (isMet: boolean | undefined): string => (isMet === undefined ? "" : isMet ? "met" : "MISSED");

/** Prices are sums of eighths of a cent: what is a hair above a target is floating point. */
const isWithin = (price: number, target: number | undefined): boolean | undefined =>
  target === undefined ? undefined : price <= target + 1e-9;

/** What recording a run and following it cost together: US dollars per million runs. */
const followedDollars = ({ workload, delivery, bill }: WritePrice, following: readonly FollowPrice[]): number => {
  const price = following.find((one) => one.workload === workload && one.delivery === delivery);
  return bill.dollarsPerMillion + (price?.bill.dollarsPerMillion ?? 0);
};

const writingRows = ({ writing, following }: Pick<Report, "writing" | "following">): string[][] => [
  ["a run", "requests", "WRU", "table", ...INDEXES, "RRU", "PUT", "GET", "$/M", "target", "", "with following", ""],
  ...writing.map((price) => {
    const { bill, target } = price;
    const followed = followedDollars(price, following);
    return [
      nameOf(price),
      number(price.requestsPerRun),
      number(bill.writeUnits),
      ...(["table", ...INDEXES] as const).map((place) => number(bill.writeUnitsOf[place] ?? 0)),
      ...[bill.readUnits, bill.puts, bill.gets].map((units) => number(units)),
      dollars(bill.dollarsPerMillion),
      target === undefined ? "" : dollars(target),
      verdict(isWithin(bill.dollarsPerMillion, target)),
      dollars(followed),
      verdict(isWithin(followed, target)),
    ];
  }),
];

const followingRows = (following: readonly FollowPrice[]): string[][] => [
  ["a run", "WRU", "RRU", "most", "GET", "$/M"],
  ...following.map(({ bill, mostReadUnits, ...of }) => [
    nameOf(of),
    ...[bill.writeUnits, bill.readUnits, mostReadUnits, bill.gets].map((units) => number(units)),
    dollars(bill.dollarsPerMillion),
  ]),
];

const allInRows = (writing: readonly WritePrice[], processor: readonly ProcessorTime[]): string[][] => [
  ["a run", "storage", "API requests", "queue", "Lambda", "all-in by API", "all-in by queue"],
  ...writing.map((price) => {
    const { workload, delivery, requestsPerRun, bill, queueDollars } = price;
    const recordMs = processor.find((time) => time.workload === workload && time.delivery === delivery)?.recordMs ?? 0;
    const api = requestsPerRun * PRICES.apiRequest;
    const lambda = requestsPerRun * PRICES.invocation + recordMs * PRICES.lambdaMs;
    const storage = bill.dollarsPerMillion;
    return [
      nameOf(price),
      ...[storage, api, queueDollars, lambda, storage + api + lambda, storage + queueDollars + lambda].map(dollars),
    ];
  }),
];

const readingRows = (reading: readonly ReadPrice[]): string[][] => [
  ["a request", "of", "RRU", "most", "GET", "most", "$/M", "target", ""],
  ...reading.map((price) => [
    price.question,
    String(price.requests),
    number(price.readUnits.average),
    number(price.readUnits.most),
    number(price.gets.average),
    number(price.gets.most),
    dollars(price.dollarsPerMillion),
    price.target === undefined ? "" : number(price.target),
    verdict(price.isMet),
  ]),
];

const processorRows = (processor: readonly ProcessorTime[]): string[][] => [
  ["a run", "record ms", "unpack ms", "fold ms"],
  ...processor.map((time) => [
    nameOf(time),
    number(time.recordMs, 1),
    number(time.unpackMs, 2),
    number(time.foldMs, 2),
  ]),
];

const billText = (bill: Bill): string =>
  `${number(bill.writeUnits)} WRU, ${number(bill.readUnits)} RRU, ${number(bill.puts)} PUT`;

/** The same for every workload: its app and its graph. */
const coldText = ([first]: readonly WritePrice[]): string => (first === undefined ? "" : billText(first.coldBill));

/** The report as tables for people. */
export const reportText = ({ missing, writing, following, reading, processor }: Report): string =>
  [
    ...(missing.length === 0
      ? []
      : [`Missing: ${missing.join(", ")}. The project's own samples are measured too; they have no targets.`, ""]),
    "Writing: averages per run. $/M: US dollars per million runs = WRU x 0.625 + RRU x 0.125 + PUT x 5 + GET x 0.4.",
    tableText(writingRows({ writing, following })),
    `A new function pays once for what it then remembers (app, graph): ${coldText(writing)}.`,
    "",
    "Following, when a run has ended: its ledger is read once, what it adds to statistics is 1 WRU, each failure 2; the first",
    "run of a quarter of an hour adds 1, as does one that ends over half an hour after it. Averages per run.",
    tableText(followingRows(following)),
    "",
    "All-in: US dollars per million runs. Lambda: invocations and the processor time below with 1 GB; waiting is not in it.",
    tableText(allInRows(writing, processor)),
    "",
    "Reading: per request, the average and the most of all requests; a target holds for the most, and names read units.",
    tableText(readingRows(reading)),
    "",
    "Processor time: medians per run, this process only; the emulator runs in another. Objects stay in memory.",
    tableText(processorRows(processor)),
  ].join("\n");

/** Each charge of each recorded run, a line. */
export const chargesText = (writing: readonly WritePrice[]): string =>
  writing
    .flatMap((price) => [
      nameOf(price),
      ...price.charges.flatMap(({ runId, charges }) => [
        `  ${runId}`,
        ...charges.map(
          ({ kind, place, of, bytes, units }) => `    ${kind} ${place} ${of}: ${bytes} bytes, ${number(units)} units`,
        ),
      ]),
    ])
    .join("\n");

/** The report for programs; every charge of every run only where it is asked for. */
export const reportJson = (report: Report, { hasCharges }: { readonly hasCharges: boolean }): string =>
  JSON.stringify(
    {
      ...report,
      writing: report.writing.map(({ charges, ...price }) => ({
        ...price,
        isMet: isWithin(price.bill.dollarsPerMillion, price.target),
        isMetWithFollowing: isWithin(followedDollars({ charges, ...price }, report.following), price.target),
        ...(hasCharges ? { charges } : {}),
      })),
    },
    null,
    2,
  );
