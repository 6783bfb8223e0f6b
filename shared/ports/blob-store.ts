/**
 * Objects by key: payload too large for the ledger entry itself. An object is written once under a key that no other
 * content uses; writing it again writes the same bytes, so a retry is safe. A read sees every write that was
 * acknowledged. Failures are thrown as {@link StoreFault}.
 *
 * Keys are parts with slashes between them. No part is of dots alone: URLs and paths take that for a way elsewhere.
 */
export interface BlobStore {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Undefined where there is no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** How many bytes an object has; undefined where there is none. */
  sizeOf(key: string): Promise<number | undefined>;
  /**
   * Makes `to` an object of the same bytes, as new as if they had been put now; without moving them through this process
   * where the store can. Both may be the same key. False, and nothing done, where there is no `from`.
   */
  copy(from: string, to: string): Promise<boolean>;
  /** The keys that begin so, in order; all of a part, so a beginning ends with a slash. */
  list(prefix: string): AsyncIterable<string>;
  /** Removes an object; none there is fine. */
  remove(key: string): Promise<void>;
}
