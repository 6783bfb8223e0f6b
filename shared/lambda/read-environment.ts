import * as v from "valibot";

/** A variable that has to be set, and not to nothing. */
export const setVariable = (name: string) => v.pipe(v.string(`${name} must be set`), v.nonEmpty(`${name} must be set`));

/**
 * The variables that a Lambda needs. Throws an error that says what is missing and holds nothing more: the runtime logs
 * what a function throws at its start with everything that hangs on it, and on valibot's own error hangs the whole
 * environment, credentials and all.
 */
export const readEnvironment = <S extends v.GenericSchema>(
  schema: S,
  variables: NodeJS.ProcessEnv,
): v.InferOutput<S> => {
  const reading = v.safeParse(schema, variables);
  if (reading.success) return reading.output;
  throw new Error(reading.issues.map(({ message }) => message).join("; "));
};
