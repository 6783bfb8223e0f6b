import * as v from "valibot";
import { recordClaim } from "../../../shared/app/record/record-arrival.ts";
import { RunId, type TenantId } from "../../../shared/contract/identifiers.ts";
import { connect } from "../../../shared/lambda/connect.ts";
import type { BlobStore } from "../../../shared/ports/blob-store.ts";
import { claimed } from "../../support/builders.ts";
import { dynamodb } from "./aws-clients.ts";
import { deployment } from "./deployment.ts";

const unused = (): never => {
  throw new Error("a claim needs no object");
};
const blobs: BlobStore = { put: unused, get: unused, sizeOf: unused, copy: unused, list: unused, remove: unused };

/** Opens epoch 2 of the tenant's run `run-1` in the deployed table, as a claimant does. */
export const openSecondEpoch = async (tenantId: TenantId): Promise<void> => {
  const stores = connect({ dynamodb, tableName: deployment().tableName, blobs, log: () => {} });
  const receivedAt = Date.now();
  const arrival = { ulid: stores.newUlid(receivedAt), receivedAt, actor: "caller", source: "http" } as const;
  const { event } = claimed(2, 0);
  const run = { tenantId, runId: v.parse(RunId, "run-1") };
  expect(await recordClaim(stores, run, { arrival: { ...arrival, events: [event] }, epoch: 2 })).toBe("recorded");
};
