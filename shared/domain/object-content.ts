/** What whoever downloads an object is told of its bytes. */
export interface ObjectContent {
  readonly type: string;
  readonly encoding: "gzip" | undefined;
}

/** What the key of a gzipped JSON text ends in, and no other object's. */
export const GZIPPED_JSON = ".json.gz";

/** What an object holds follows from its key: JSON text, gzipped, or bytes of any kind. */
export const contentOf = (key: string): ObjectContent =>
  key.endsWith(GZIPPED_JSON)
    ? { type: "application/json", encoding: "gzip" }
    : { type: "application/octet-stream", encoding: undefined };
