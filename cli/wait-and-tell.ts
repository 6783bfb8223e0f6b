import type { CommandIo } from "./command-group.ts";

/** How many lines a wait prints. */
const LINES = 4;

/** Waits, and says in a few lines for what and how long still. A command that is interrupted meanwhile ends at once. */
export const waitAndTell = async (
  io: Pick<CommandIo, "note" | "pause">,
  of: { readonly seconds: number; readonly until: string },
): Promise<void> => {
  const step = Math.ceil(of.seconds / LINES);
  for (let left = of.seconds; left > 0; left -= step) {
    io.note(`Waiting ${left} s until ${of.until} (after Ctrl-C the same command goes on; --no-wait does not wait)`);
    await io.pause(Math.min(left, step));
  }
};
