import type { RunKey, TenantId } from "../contract/identifiers.ts";
import type { ExpectedBytes, LinkTime, UploadLink } from "./blob-links.ts";

/**
 * What tenants upload for payload values to refer to. An upload is known by an id within its tenant, waits for an event
 * that refers to it for as long as its lifetime (two days from the id's own time), and holds the bytes that were
 * announced, or is not there. Failures are thrown as StoreFault; every call can be repeated safely.
 */
export interface UploadStore {
  /** The request that uploads it. `id` is a new ULID. */
  open(tenantId: TenantId, upload: ExpectedBytes & { readonly id: string }, time: LinkTime): Promise<UploadLink>;
  /**
   * How large an upload is that the run may refer to (bytes): one that waits, or one that the run keeps. Undefined where
   * there is none of this id for the run's tenant, whatever the id is made of.
   */
  find(run: RunKey, id: string): Promise<number | undefined>;
  /** The bytes of an upload that the run keeps. Undefined where it keeps none of this id. */
  read(run: RunKey, id: string): Promise<Uint8Array | undefined>;
  /** Lets an upload of this id wait for an event of the tenant, however old the id is. */
  put(tenantId: TenantId, id: string, bytes: Uint8Array): Promise<void>;
}
