import { GetCommand, PutCommand, QueryCommand, UpdateCommand, type UpdateCommandInput } from "@aws-sdk/lib-dynamodb";
import type { RunKey } from "../contract/identifiers.ts";
import type { Header, HeaderFinish } from "../domain/header.ts";
import type { ListQuery, RunStore } from "../ports/run-store.ts";
import { sending, sendingIf, type Table } from "./document-client.ts";
import { finishChange, headerFrom, headerItem, listedHeaderFrom, STARTED_PHASE } from "./header-item.ts";
import { headerKey, type IndexName, listPartition, listSortKey, statusPartition } from "./table.ts";

/** Two writers that both find no header: the second must look again. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** Somebody else has written since we read. */
const IS_UNCHANGED = "rev = :rev";
/** Only then is the join of start and finish the fold. */
const IS_PLAINLY_STARTED = "phase = :started";
/** The finish is listed under its own app: another one than the start's would leave the row in the wrong list. */
const IS_OF_SAME_APP = "app = :app";

const finishInput = (table: string, run: RunKey, finish: HeaderFinish): UpdateCommandInput => {
  const change = finishChange(run, finish);
  const isListed = change.statusKey !== undefined;
  return {
    TableName: table,
    Key: headerKey(run),
    UpdateExpression: [
      "SET #status = :status, #finish = :finish, phase = :phase, seen_finish = :seen, expires_at = :expires, rev = rev + :one",
      isListed ? ", status_pk = :status_pk" : " REMOVE status_pk",
    ].join(""),
    ConditionExpression: `${IS_PLAINLY_STARTED} AND ${IS_OF_SAME_APP}`,
    ExpressionAttributeNames: { "#status": "status", "#finish": "finish" },
    ExpressionAttributeValues: {
      ":status": change.status,
      ":finish": change.finish,
      ":phase": change.phase,
      ":seen": change.seenFinish,
      ":expires": change.expiresAt,
      ":one": 1,
      ":started": STARTED_PHASE,
      ":app": finish.row.appId,
      ...(isListed ? { ":status_pk": change.statusKey } : {}),
    },
  };
};

const listInput = (table: string, query: ListQuery) => {
  const index: IndexName = query.status === undefined ? "runs_by_time" : "runs_by_status";
  const partition =
    query.status === undefined
      ? listPartition(query.tenantId, query.appId, 0)
      : statusPartition(query.tenantId, query.appId, { status: query.status, shard: 0 });
  const attribute = query.status === undefined ? "time_pk" : "status_pk";
  const { after } = query;
  return {
    TableName: table,
    IndexName: index,
    KeyConditionExpression: `${attribute} = :partition${after === undefined ? "" : ` AND list_sk ${query.isOldestFirst ? ">" : "<"} :after`}`,
    ExpressionAttributeValues: {
      ":partition": partition,
      ...(after === undefined ? {} : { ":after": listSortKey(after.listedAt, after.runId) }),
    },
    ScanIndexForward: query.isOldestFirst ?? false,
    Limit: query.limit,
  };
};

/**
 * Headers in DynamoDB. `find` is strongly consistent; `list` reads an index and so lags by up to about a second.
 * A write is one conditional request; the SDK's retry of a write that did take effect reads as false, and the caller
 * looks again.
 */
export const dynamoRunStore = (table: Table): RunStore => ({
  find: (run) =>
    sending("GetItem", async () => {
      const command = new GetCommand({ TableName: table.name, Key: headerKey(run), ConsistentRead: true });
      const { Item } = await table.client.send(command);
      return Item === undefined ? undefined : headerFrom(Item);
    }),

  create: (run, header: Header) =>
    sendingIf("PutItem", () =>
      table.client.send(
        new PutCommand({ TableName: table.name, Item: headerItem(run, header, 1), ConditionExpression: IS_ABSENT }),
      ),
    ),

  finish: (run, finish) =>
    sendingIf("UpdateItem", () => table.client.send(new UpdateCommand(finishInput(table.name, run, finish)))),

  replace: (run, header, rev) =>
    sendingIf("PutItem", () =>
      table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: headerItem(run, header, rev + 1),
          ConditionExpression: IS_UNCHANGED,
          ExpressionAttributeValues: { ":rev": rev },
        }),
      ),
    ),

  list: (query) =>
    sending("Query", async () => {
      const page = await table.client.send(new QueryCommand(listInput(table.name, query)));
      return { headers: (page.Items ?? []).map(listedHeaderFrom), hasMore: page.LastEvaluatedKey !== undefined };
    }),
});
