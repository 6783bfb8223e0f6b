/** What the environment says about the embedded stack. */
import { StartFailure } from "./start-failure.ts";

/** What the environment asks for. */
export interface Settings {
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: all data in memory. */
  readonly dataDirectory: string | undefined;
  /** Where `local.json` is written. */
  readonly announceIn: string;
  /** Whether each request gets a line on standard error. */
  readonly hasRequestLog: boolean;
  /** How often the upkeep has a tick; undefined: as often as on AWS. */
  readonly upkeepEveryMs: number | undefined;
}

const DEFAULT_PORT = 4000;
const ENDPOINT_VARIABLES = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_S3"];
const DEFAULT_DIRECTORY = ".runstone";

/** Throws StartFailure where a variable is not valid. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  for (const name of ENDPOINT_VARIABLES) checkEndpoint(name, environment[name]);
  const directory = environment["RUNSTONE_DATA_DIR"] || DEFAULT_DIRECTORY;
  const isInMemory = directory === "memory";
  return {
    port: readPort(environment["PORT"]),
    dataDirectory: isInMemory ? undefined : directory,
    announceIn: isInMemory ? DEFAULT_DIRECTORY : directory,
    hasRequestLog: !["", "0"].includes(environment["RUNSTONE_LOG"] ?? ""),
    upkeepEveryMs: readUpkeep(environment["RUNSTONE_UPKEEP_SECONDS"]),
  };
}

function checkEndpoint(name: string, text: string | undefined): void {
  if (text === undefined || text === "") return;
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    throw new StartFailure(`${name} must be an http or https URL, came ${JSON.stringify(text)}`);
  }
}

function readUpkeep(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^[1-9]\d{0,4}$/.test(text)) {
    throw new StartFailure(`RUNSTONE_UPKEEP_SECONDS must be a number from 1 to 99999, came ${JSON.stringify(text)}`);
  }
  return Number(text) * 1000;
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new StartFailure(`PORT must be a number from 0 to 65535, came ${JSON.stringify(text)}`);
  return port;
}
