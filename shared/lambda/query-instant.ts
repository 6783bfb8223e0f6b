import * as v from "valibot";
import { Instant } from "../contract/instant.ts";

/**
 * An instant in a query. In one that was not encoded a plus sign arrives as a space: the offset of `10:00:00+01:00` is
 * meant all the same.
 */
export const QueryInstant = v.pipe(
  v.string(),
  v.transform((given) => given.replace(/ (\d\d:\d\d)$/, "+$1")),
  Instant,
);
