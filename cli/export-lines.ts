import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import * as v from "valibot";
import { ExportLine } from "../shared/contract/export-line.ts";
import { CommandFailure } from "./command-failure.ts";

/** A line of an export, and where it stands. */
export interface PlacedLine {
  readonly line: ExportLine;
  readonly text: string;
  /** `file:number`, for messages. */
  readonly at: string;
}

/** A file that cannot be opened, is no gzip, or whose gzip ends too early. */
const unreadable = (file: string, error: unknown): CommandFailure => {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return new CommandFailure(`there is no file ${file}`);
  if (code === "Z_BUF_ERROR") return new CommandFailure(`${file} was cut off: its end is missing`);
  if (code.startsWith("Z_")) return new CommandFailure(`${file} is no gzip file, or a damaged one`);
  return new CommandFailure(`${file} cannot be read${code === "" ? "" : ` (${code})`}`);
};

/** The lines of a file, `.gz` or not. Only line feeds end them: JSON may hold other characters that some take for ends. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const stream = file.endsWith(".gz") ? source.pipe(createGunzip()) : source;
  source.on("error", (error) => stream.destroy(error));
  stream.setEncoding("utf8");
  let begun: string[] = [];
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const [first = "", ...others] = chunk.split("\n");
      begun.push(first);
      for (const next of others) {
        yield begun.join("");
        begun = [next];
      }
    }
  } catch (error) {
    throw unreadable(file, error);
  } finally {
    source.destroy();
  }
  const last = begun.join("");
  if (last !== "") yield last;
}

const parsed = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

/** The lines of files, one after the other. Throws CommandFailure for what no export holds. */
export async function* exportLines(files: readonly string[]): AsyncGenerator<PlacedLine> {
  for (const file of files) {
    let number = 0;
    for await (const text of linesOf(file)) {
      number++;
      const at = `${file}:${number}`;
      const json = parsed(text);
      if (json === undefined) {
        throw new CommandFailure(`${at}: expected a line of JSON; the file was cut off, or is no export of Runstone`);
      }
      const reading = v.safeParse(ExportLine, json.value);
      if (!reading.success) {
        const [issue] = reading.issues;
        const path = v.getDotPath(issue);
        throw new CommandFailure(
          `${at}: expected a line of an export of Runstone${path === null ? "" : `; ${path}: ${issue.message}`}`,
        );
      }
      yield { line: reading.output, text, at };
    }
  }
}
