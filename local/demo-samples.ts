/** The sample runs of `events/runs/`: Runstone's events as NDJSON, and Dify's streams as they leave Dify. */
import { glob, readFile } from "node:fs/promises";
import path from "node:path";

/** A sample run and how the demo records it. */
export interface Sample {
  readonly runId: string;
  /** An event each, as it is sent: a line of NDJSON, or a block of a Dify stream. */
  readonly events: readonly string[];
  /** How it is recorded in the demo. */
  readonly way: "queue" | "/v1/events" | "/v1/dify/events";
}

/** In order of their names; of Runstone's own every second one goes over the queue. */
export async function readSamples(directory: string): Promise<Sample[]> {
  const own = await readAll(path.join(directory, "*.ndjson"));
  const dify = await readAll(path.join(directory, "dify", "*.sse"));
  return [
    ...own.map((text, position): Sample => {
      const events = text.split("\n").filter((line) => line.trim() !== "");
      const way = position % 2 === 0 ? "/v1/events" : "queue";
      return { runId: memberOf(events, "run_id"), events, way };
    }),
    ...dify.map((text): Sample => {
      const events = text.split(/\n\n+/).filter((block) => block.trim() !== "");
      return { runId: memberOf(events, "workflow_run_id"), events, way: "/v1/dify/events" };
    }),
  ];
}

async function readAll(pattern: string): Promise<string[]> {
  const files = (await Array.fromAsync(glob(pattern))).sort();
  if (files.length === 0) throw new Error(`there are no sample runs at ${pattern}`);
  return Promise.all(files.map((file) => readFile(file, "utf8")));
}

/** The run that a sample names first. */
function memberOf(events: readonly string[], name: string): string {
  const value = new RegExp(`"${name}": ?"([^"]+)"`).exec(events.join("\n"))?.[1];
  if (value === undefined) throw new Error(`a sample run has no ${name}`);
  return value;
}
