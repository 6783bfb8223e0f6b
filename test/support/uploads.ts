import { createHash } from "node:crypto";
import { uploadObjectKey } from "../../shared/dynamodb/object-keys.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { runKey, type Service } from "./service.ts";

/** The SHA-256 of bytes, in hex. */
export const sha256Of = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** What `POST /v1/uploads` asks for these bytes. */
export const uploadRequest = (bytes: Uint8Array, of: Record<string, unknown> = {}): string =>
  JSON.stringify({ app_id: "app-1", size_bytes: bytes.length, sha256: sha256Of(bytes), ...of });

/** The files of a service's objects, as its functions see them. */
export const blobsOf = (service: Service) => fileBlobStore(service.objects);

/** Uploads bytes as a tenant does, but for the wire: gives the upload's id. */
export const upload = async (service: Service, bytes: Uint8Array, tenant = "demo"): Promise<string> => {
  const opened = await service.post({ resource: "/v1/uploads", tenant, body: uploadRequest(bytes) });
  expect(opened.status).toBe(201);
  await blobsOf(service).put(uploadObjectKey(runKey(tenant, "any").tenantId, opened.json.id), bytes);
  return opened.json.id as string;
};

/** The payload value that refers to an upload. */
export const refTo = (id: string): { $ref: string } => ({ $ref: `upload:${id}` });
