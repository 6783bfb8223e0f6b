import * as v from "valibot";

/** An attribute that holds JSON as text, read by a schema. */
export const jsonAttribute = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.string(),
    v.transform((text): unknown => JSON.parse(text)),
    schema,
  );
