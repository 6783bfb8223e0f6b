import { readFileSync } from "node:fs";
import { join } from "node:path";

const EVENTS = join(__dirname, "../../../events");

/** A file of `events/`. */
export const sample = (path: string): string => readFileSync(join(EVENTS, path), "utf8");

/** Events of a sample run, a line each. */
export const sampleEvents = (name: string): string[] =>
  sample(`runs/${name}.ndjson`)
    .split("\n")
    .filter((line) => line !== "");
