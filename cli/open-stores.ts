import { connect } from "../shared/lambda/connect.ts";
import type { Dependencies } from "../shared/lambda/dependencies.ts";
import { systemClock } from "../shared/lambda/system-clock.ts";
import type { CommandIo } from "./command-group.ts";
import { openBlobs } from "./open-blobs.ts";
import { outputOf, type Target } from "./target.ts";

/** The stores of the stack, with its retention: what is recorded from here is kept as long as what came by queue. */
export const openStores = async (target: Target, io: CommandIo): Promise<Dependencies> => {
  const retentionDays = await target.find("RetentionDays");
  return connect({
    dynamodb: target.clients.dynamodb,
    tableName: await outputOf(target, "TableName"),
    blobs: await openBlobs(target, io.environment),
    clock: { ...systemClock, now: io.now },
    log: () => undefined,
    ...(retentionDays === undefined ? {} : { retentionDays: Number(retentionDays) }),
  });
};
