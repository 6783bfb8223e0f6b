import { StartFailure } from "../local/start-failure.ts";
import { StoreFault } from "../shared/ports/store-fault.ts";
import { CommandFailure } from "./command-failure.ts";

const UNREACHABLE = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", "EAI_AGAIN"];

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** What went wrong in one line, for what a user can put right; undefined for a bug, which needs its stack. */
export const failureLine = (error: unknown): string | undefined => {
  if (error instanceof CommandFailure || error instanceof StartFailure) return error.message;
  if (error instanceof StoreFault) {
    const cause = failureLine(error.cause);
    return cause === undefined ? error.message : `${error.message}: ${cause}`;
  }
  if (!(error instanceof Error)) return undefined;
  if (error.name === "CredentialsProviderError" || error.name === "TokenProviderError") {
    return `no AWS credentials could be had; set AWS_PROFILE, or sign in (${oneLine(error.message)})`;
  }
  if (error.message === "Region is missing") return "no AWS region is set; use --region, or set AWS_REGION";
  const code = "code" in error ? String(error.code) : "";
  if (UNREACHABLE.includes(code)) return `AWS cannot be reached (${code})`;
  if ("$metadata" in error) return `AWS refused: ${error.name}: ${oneLine(error.message)}`;
  return undefined;
};
