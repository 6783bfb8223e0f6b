import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { ListPart, ListQuery, OffspringQuery } from "../ports/run-store.ts";
import { type IndexName, listKeyRange, listPartition, parentPartition, statusPartition, TABLE } from "./table.ts";

interface IndexPartition {
  readonly index: IndexName;
  readonly partition: string;
}

/** Undefined where the part can hold nothing: DynamoDB refuses a range that ends before it begins. */
const partInput = (table: string, of: IndexPartition, part: ListPart): QueryCommandInput | undefined => {
  const range = listKeyRange(part);
  const index = TABLE.indexes.find(({ name }) => name === of.index);
  if (range === undefined || index === undefined) return undefined;
  const { from, to } = range;
  const bounds =
    from !== undefined && to !== undefined
      ? " AND #sort BETWEEN :from AND :to"
      : from !== undefined
        ? " AND #sort >= :from"
        : to !== undefined
          ? " AND #sort <= :to"
          : "";
  return {
    TableName: table,
    IndexName: index.name,
    KeyConditionExpression: `#partition = :partition${bounds}`,
    ExpressionAttributeNames: {
      "#partition": index.partitionKey,
      ...(bounds === "" ? {} : { "#sort": index.sortKey }),
    },
    ExpressionAttributeValues: {
      ":partition": of.partition,
      ...(from === undefined ? {} : { ":from": from }),
      ...(to === undefined ? {} : { ":to": to }),
    },
    ScanIndexForward: part.isOldestFirst ?? false,
    Limit: part.limit,
  };
};

/** The query for a part of an app's list: by status where one is asked for, else by time. Undefined: it holds nothing. */
export const listInput = (table: string, query: ListQuery): QueryCommandInput | undefined => {
  const { tenantId, appId, shard, status } = query;
  const of: IndexPartition =
    status === undefined
      ? { index: "runs_by_time", partition: listPartition(tenantId, appId, shard) }
      : { index: "runs_by_status", partition: statusPartition(tenantId, appId, { status, shard }) };
  return partInput(table, of, query);
};

/** The query for a part of what came out of a run. Undefined: it holds nothing. */
export const offspringInput = (table: string, query: OffspringQuery): QueryCommandInput | undefined =>
  partInput(table, { index: "runs_by_parent", partition: parentPartition(query.parent) }, query);

/** The same query as {@link listInput} of any status, for no more than counting needs. */
export const statesInput = (table: string, query: Omit<ListQuery, "status">): QueryCommandInput | undefined => {
  const input = listInput(table, { ...query, status: undefined });
  return (
    input && {
      ...input,
      ProjectionExpression: "#status, expires_at",
      ExpressionAttributeNames: { ...input.ExpressionAttributeNames, "#status": "status" },
    }
  );
};
