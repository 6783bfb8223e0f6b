/** What a command works with besides its arguments. */
export interface CommandIo {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Writes a text and a line's end to standard output. */
  print(text: string): void;
  /** Writes a line to standard error: progress, and advice that is no part of what was asked for. */
  note(line: string): void;
  /** Resolves after so many seconds. */
  pause(seconds: number): Promise<void>;
}

/** Commands that belong together: `npm run cli -- <name> <command> ...`. */
export interface CommandGroup {
  readonly name: string;
  /** One line of the general help. */
  readonly summary: string;
  /** What `--help` prints: every command with its options. */
  readonly help: string;
  /** `args` begin with the command. Throws CommandFailure, or what AWS threw, where it cannot be carried out. */
  run(args: readonly string[], io: CommandIo): Promise<void>;
}
