/** The functions' log on a terminal: what goes wrong, a line each, on standard error. */
import { inspect } from "node:util";
import type { Log } from "../shared/lambda/log.ts";

/** Lines of level `info` are left out: the HTTP front has its own line for each request. */
export const stderrLog: Log = ({ level, message, error, ...details }) => {
  if (level === "info") return;
  const named = Object.entries(details).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const line = [`${level}:`, message, ...named].join(" ");
  process.stderr.write(error === undefined ? `${line}\n` : `${line}\n${inspect(error)}\n`);
};
