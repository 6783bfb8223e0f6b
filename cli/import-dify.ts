import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { readLocalJson } from "../local/local-json.ts";
import { readSettings } from "../local/settings.ts";
import { AppId, RunId } from "../shared/contract/identifiers.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandIo } from "./command-group.ts";
import { optionalOption, parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { openTarget } from "./open-target.ts";
import { outputOf, type Target } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  app: { type: "string" },
  run: { type: "string" },
  tenant: { type: "string" },
} as const;

/** A request takes 4 MB. */
const MOST_PIECE_BYTES = 3 * 1024 * 1024;

const Tenant = v.picklist(["demo", "acme"], "expected demo or acme, whose keys the embedded stack has");

const Answer = v.looseObject({
  accepted: v.optional(v.number(), 0),
  rejected: v.optional(v.number(), 0),
  unavailable: v.optional(v.number(), 0),
  ignored: v.optional(v.number(), 0),
  detail: v.optional(v.string()),
  results: v.optional(
    v.array(
      v.looseObject({
        code: v.optional(v.string()),
        errors: v.optional(v.array(v.looseObject({ message: v.string() })), []),
      }),
    ),
    [],
  ),
});
type Answer = v.InferOutput<typeof Answer>;

/** A stream in pieces that a request takes, cut between events. */
const piecesOf = (stream: string): string[] => {
  const pieces: string[] = [];
  let piece = "";
  for (const event of stream.split(/(?<=\r?\n\r?\n)/)) {
    if (piece !== "" && Buffer.byteLength(piece) + Buffer.byteLength(event) > MOST_PIECE_BYTES) {
      pieces.push(piece);
      piece = "";
    }
    piece += event;
  }
  return piece.trim() === "" ? pieces : [...pieces, piece];
};

const keyFor = async (target: Target, io: CommandIo, tenant: string | undefined): Promise<string> => {
  const given = io.environment["RUNSTONE_KEY"];
  if (given) return given;
  const local = target.isEmbedded ? await readLocalJson(readSettings(io.environment).announceIn) : undefined;
  if (local === undefined) throw new CommandFailure("set RUNSTONE_KEY to a key of the tenant with the scope ingest");
  return local.keys[optionalOption("tenant", Tenant, tenant) ?? "demo"];
};

/** Where the API answers. On an emulator the host of its URL leads to AWS. */
const apiUrlOf = async (target: Target, { environment }: CommandIo): Promise<string> => {
  const emulator = environment["AWS_ENDPOINT_URL"]?.replace(/\/+$/, "");
  if (target.isEmbedded || !emulator) return outputOf(target, "ApiUrl");
  return `${emulator}/_aws/execute-api/${await outputOf(target, "ApiId")}/${await outputOf(target, "ApiStage")}`;
};

const post = async (url: URL, key: string, body: string): Promise<Answer> => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "text/event-stream" };
  const response = await fetch(url, { method: "POST", headers, body }).catch((cause: unknown) => {
    throw new CommandFailure(`the API cannot be reached at ${url.origin}`, { cause });
  });
  const answer = v.safeParse(v.pipe(v.string(), v.parseJson(), Answer), await response.text());
  const isAnswer = answer.success && (response.ok || response.status === 400 || response.status === 503);
  if (isAnswer && answer.output.results.length > 0) return answer.output;
  if (isAnswer && response.ok) return answer.output;
  const detail = answer.success ? answer.output.detail : undefined;
  throw new CommandFailure(`the API answered ${response.status}${detail === undefined ? "" : `: ${detail}`}`);
};

const reasonsIn = ({ results }: Answer): string[] =>
  results.flatMap(({ code, errors }) => (code === undefined ? [] : [`${code}: ${errors[0]?.message ?? ""}`]));

/** `import dify-sse <file> --app A`: sends the stream piece by piece; fails where not all of it was accepted. */
export const importDifyStream = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values, positionals } = parseCommand(args, OPTIONS, ["file"]);
  const [file = ""] = positionals;
  const appId = requiredOption("app", AppId, values.app);
  const runId = optionalOption("run", RunId, values.run);
  const stream = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CommandFailure(`${file} cannot be read`, { cause });
  });

  using target = await openTarget(values, io.environment);
  const key = await keyFor(target, io, values.tenant);
  const url = new URL(`${await apiUrlOf(target, io)}/v1/dify/events`);
  url.searchParams.set("app_id", appId);
  if (runId !== undefined) url.searchParams.set("run_id", runId);

  const total = { accepted: 0, ignored: 0 };
  for (const piece of piecesOf(stream)) {
    const answer = await post(url, key, piece);
    total.accepted += answer.accepted;
    total.ignored += answer.ignored;
    const left = answer.rejected + answer.unavailable;
    if (left > 0) {
      throw new CommandFailure(
        `${left} of the events were not accepted (${reasonsIn(answer)[0]}); ${total.accepted} were`,
      );
    }
  }
  io.print(`Accepted ${total.accepted} events; ${total.ignored} of the stream say nothing of the execution.`);
};
