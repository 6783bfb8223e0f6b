import type { CommandIo } from "../../cli/command-group.ts";

/** What a command works with: an empty environment at the time 0, told to nobody, whose waits are over at once. */
export const commandIo = (of: Partial<CommandIo>): CommandIo => ({
  environment: {},
  now: () => 0,
  print: () => undefined,
  note: () => undefined,
  pause: async () => undefined,
  ...of,
});
