import type { RunKey } from "../../contract/identifiers.ts";
import {
  type FailingRun,
  failedNodes,
  failureOf,
  longErrorOf,
  type NodeFailure,
} from "../../domain/failures/node-failures.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { fitting } from "../read/present-payload.ts";
import { readTexts } from "../read/read-run.ts";

/** Of long errors so much is read at the most, the smallest first (bytes). Of the others the beginning stands for them. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * The failures of a folded run, in the order of their ends, long errors read from the ledger: what the list of failures
 * and the statistics are both made of.
 */
export const readFailures = async (ledger: LedgerStore, run: RunKey, state: FailingRun): Promise<NodeFailure[]> => {
  const failed = failedNodes(state);
  // Those that their run's end interrupted share its error.
  const long = [...new Set(failed.flatMap(({ node }) => longErrorOf(node) ?? []))];
  const texts = long.length === 0 ? undefined : await readTexts(ledger, run, fitting(long, MOST_BYTES));
  return failed.map((one) => {
    const payload = longErrorOf(one.node);
    return failureOf(one, payload && texts?.get(payload));
  });
};
