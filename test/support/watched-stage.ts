import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import type { FunctionName } from "../../build/bundle.ts";
import { authorizeFunction } from "../../functions/authorize/authorize.ts";
import { projectFunction } from "../../functions/project/project.ts";
import { admitApiKey, newApiKey } from "../../shared/app/keys/api-keys.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoCredentialStore } from "../../shared/dynamodb/dynamo-credential-store.ts";
import { dynamoTenantStore } from "../../shared/dynamodb/dynamo-tenant-store.ts";
import { headerKey } from "../../shared/dynamodb/table.ts";
import { connect } from "../../shared/lambda/connect.ts";
import type { Services } from "../../shared/lambda/connect-recording.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { Touch } from "./granted.ts";
import type { ManualClock } from "./manual-clock.ts";
import { memoryPublisher } from "./memory-publisher.ts";
import { newReaper, type Reaper } from "./reaper.ts";
import { runKey, type Service, startService } from "./service.ts";
import { itemsOf } from "./stored.ts";
import { headerRecord } from "./stream-records.ts";
import { watchedServices } from "./watched-services.ts";

const REQUEST: APIGatewayRequestAuthorizerEvent = JSON.parse(
  readFileSync(join(__dirname, "../../events/authorizer/token.json"), "utf8"),
);

/** All functions, each a process of its own, over one table and one store of objects; told of whatever they do there. */
export interface WatchedStage {
  readonly service: Service;
  /** What each function has done so far. */
  readonly touches: ReadonlyMap<FunctionName, readonly Touch[]>;
  /** Has a new key of the tenant `demo` checked. */
  authorize(): Promise<void>;
  /** Tells the stream's function of the header of a run of the tenant `demo` as it is now, and what happens meanwhile. */
  project(runId: string, meanwhile?: () => Promise<void>): Promise<void>;
  /** The upkeep, with some of what it stands on changed. */
  reaper(change?: (dependencies: Dependencies) => Dependencies): Reaper;
}

/** A stage on which nothing has happened yet. */
export const startWatchedStage = async (clock: ManualClock): Promise<WatchedStage> => {
  const touches = new Map<FunctionName, Touch[]>();
  const servicesOf = (name: FunctionName, services: Services): Services => {
    const seen = touches.get(name) ?? [];
    touches.set(name, seen);
    return watchedServices(services, (touch) => seen.push(touch));
  };
  const service = await startService(undefined, clock, undefined, servicesOf);
  const { services, tableName } = service;
  const publisher = memoryPublisher();
  const project = projectFunction({ ...connect(servicesOf("project", services)), publisher });
  const upkeep = connect(servicesOf("reap", services));
  const table = tableOf(servicesOf("authorize", services).dynamodb, tableName);
  return {
    service,
    touches,
    authorize: async () => {
      const key = newApiKey();
      const { tenantId } = runKey("demo", "any");
      const grant = {
        tenantId,
        scopes: ["read"] as const,
        name: "engine",
        expiresAt: undefined,
        createdAt: clock.now(),
      };
      await admitApiKey(dynamoCredentialStore(tableOf(service.dynamodb, tableName)), key, grant);
      const limits = { tenants: dynamoTenantStore(table), plans: [], sharedUsageKey: "shared" };
      const credentials = dynamoCredentialStore(table);
      const authorize = authorizeFunction({ credentials, clock, log: () => undefined }, { limits });
      const headers = { Authorization: `Bearer ${key}` };
      await authorize({ ...REQUEST, headers, multiValueHeaders: { Authorization: [headers.Authorization] } });
    },
    project: async (runId, meanwhile) => {
      const run = runKey("demo", runId);
      const { pk, sk } = headerKey(run);
      const header = (await itemsOf(service)).find((item) => item["pk"] === pk && item["sk"] === sk);
      if (header === undefined) throw new Error(`expected a header of ${runId}`);
      await meanwhile?.();
      await project({ Records: [headerRecord(run, undefined, header)] });
    },
    reaper: (change = (dependencies) => dependencies) => newReaper(change(upkeep)),
  };
};
