import * as v from "valibot";

/** Names a job within its tenant: the ULID of its beginning. */
export const JobId = v.pipe(
  v.string(),
  v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "expected the id of a job"),
  v.brand("JobId"),
);
export type JobId = v.InferOutput<typeof JobId>;
