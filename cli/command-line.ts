/** How commands read their arguments. Everything here throws CommandFailure for what was not asked for correctly. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import * as v from "valibot";
import { CommandFailure } from "./command-failure.ts";

/** Which stack a command is for: every command takes these. */
export const TARGET_OPTIONS = { stage: { type: "string" }, region: { type: "string" } } as const;

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The command that the first argument names, and the arguments after it. */
export const chooseCommand = <Command>(
  group: string,
  commands: Readonly<Record<string, Command>>,
  args: readonly string[],
): { command: Command; rest: readonly string[] } => {
  const [name = "", ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return { command, rest };
  const names = Object.keys(commands).join(", ");
  const came = name === "" ? "none came" : `came ${JSON.stringify(name)}`;
  throw new CommandFailure(
    `${group}: expected one of its commands (${names}), ${came}; see: npm run cli -- ${group} --help`,
  );
};

/** Options by name, and exactly the arguments that `named` names, in their order. */
export const parseCommand = <const O extends Options>(
  args: readonly string[],
  options: O,
  named: readonly string[] = [],
) => {
  const { values, positionals } = parseStrictly(args, options);
  if (positionals.length !== named.length) {
    const expected = named.length === 0 ? "no argument" : named.map((name) => `<${name}>`).join(" ");
    throw new CommandFailure(`expected ${expected} besides options, came ${JSON.stringify(positionals)}`);
  }
  return { values, positionals };
};

const isParseError = (error: unknown): error is { code: string; message: string } =>
  typeof error === "object" && error !== null && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");

const parseStrictly = <const O extends Options>(args: readonly string[], options: O) => {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    if (!isParseError(error)) throw error;
    // Node adds advice after what is wrong.
    throw new CommandFailure(error.message.split(/\.\s|\n/)[0] ?? error.message);
  }
};

/** The value of an option that a command cannot do without, checked by a schema. */
export const requiredOption = <Schema extends v.GenericSchema<unknown>>(
  name: string,
  schema: Schema,
  value: string | undefined,
): v.InferOutput<Schema> => {
  if (value === undefined) throw new CommandFailure(`--${name} is needed`);
  return checkedOption(name, schema, value);
};

/** The value of an option, checked by a schema; undefined where it was not given. */
export const optionalOption = <Schema extends v.GenericSchema<unknown>>(
  name: string,
  schema: Schema,
  value: string | undefined,
): v.InferOutput<Schema> | undefined => (value === undefined ? undefined : checkedOption(name, schema, value));

const checkedOption = <Schema extends v.GenericSchema<unknown>>(name: string, schema: Schema, value: string) => {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new CommandFailure(`--${name}: ${result.issues[0].message}, came ${JSON.stringify(value)}`);
};
