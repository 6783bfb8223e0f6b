/** Functions as Lambda takes them: one file each, minified, the AWS SDK inside. */
import { mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildSync, type Format, type Metafile } from "esbuild";

/** The functions, by their folders. */
export const FUNCTIONS = ["authorize", "consume", "control", "ingest", "project", "query", "reap", "work"] as const;
/** A function by its folder. */
export type FunctionName = (typeof FUNCTIONS)[number];

/** No function may be larger (bytes). */
export const MOST_BUNDLE_BYTES = 450 * 1024;

/** A bundle on disk. */
export interface Bundle {
  readonly directory: string;
  readonly file: string;
  readonly sizeBytes: number;
  /** What went into it, as esbuild tells. */
  readonly metafile: Metafile;
}

const ROOT = path.resolve(import.meta.dirname, "..");

/** What takes the place of the SDK's search for credentials: in Lambda they are in the environment. */
const CREDENTIALS = path.join(ROOT, "shared/lambda/lambda-credentials.ts");

/**
 * Bundles an entry file into `<directory>/index.js`. The same source gives the same bytes, so a deployment without a
 * change changes nothing. CommonJS, because `npm run bench -- cold` finds that it loads faster; `format` is there for
 * that comparison.
 */
export function bundle(entry: string, directory: string, format: Format = "cjs"): Bundle {
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, format === "esm" ? "index.mjs" : "index.js");
  const { metafile, outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format,
    // The SDK's ES modules let esbuild leave out what nobody uses: a fifth smaller than its CommonJS.
    mainFields: ["module", "main"],
    alias: { "@aws-sdk/credential-provider-node": CREDENTIALS },
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
    metafile: true,
    write: false,
  });
  // Whole or not at all, and never beside it: another process may be making the same, or reading the folder.
  const unfinished = `${directory}.${process.pid}`;
  writeFileSync(unfinished, outputFiles[0]?.contents ?? "");
  renameSync(unfinished, file);
  return { directory, file, sizeBytes: statSync(file).size, metafile };
}

/** Bundles a function's handler into a directory of its name. */
export function bundleFunction(name: FunctionName, parent: string, format?: Format): Bundle {
  return bundle(path.join("functions", name, "handler.ts"), path.join(parent, name), format);
}
