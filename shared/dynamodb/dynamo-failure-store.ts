import { DeleteCommand, PutCommand, QueryCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../ports/clock.ts";
import type { FailureQuery, FailureStore, RunMoment } from "../ports/failure-store.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import { failureItem, storedFailureFrom } from "./failure-item.ts";
import { deleteItems } from "./stored-record.ts";
import {
  AFTER_ALL_FAILURES,
  BEFORE_ALL_FAILURES,
  FAILURE_RANGE,
  failureKey,
  failurePartition,
  failureSortKey,
  type IndexName,
  runPartition,
} from "./table.ts";

const INDEX: IndexName = "runs_by_status";

/** There is no row to be older or newer. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** The row is of an earlier state of its run, or of the same. */
const IS_NO_LATER = "rev < :rev OR (rev = :rev AND (touches <= :touches OR attribute_not_exists(touches)))";

const values = ({ rev, touches }: RunMoment) => ({ ":rev": rev, ":touches": touches });

const earlier = (a: string, b: string): string => (a < b ? a : b);

/** The range of sort keys that a query asks for, both ends included; an instant alone sorts before its failures. */
const rangeOf = ({ since, before, after }: FailureQuery): { from: string; to: string } => ({
  from: since ?? BEFORE_ALL_FAILURES,
  to: earlier(before ?? AFTER_ALL_FAILURES, after === undefined ? AFTER_ALL_FAILURES : failureSortKey(after)),
});

/** The sort key of the one after which a page begins: it is in the range too, and passed over. */
const passedOver = (after: FailureQuery["after"]): string | undefined =>
  after === undefined || after.isIncluded ? undefined : failureSortKey(after);

const listInput = (table: string, query: FailureQuery, range: { from: string; to: string }): QueryCommandInput => {
  const { tenantId, appId, shard, after } = query;
  return {
    TableName: table,
    IndexName: INDEX,
    KeyConditionExpression: "status_pk = :partition AND list_sk BETWEEN :from AND :to",
    ExpressionAttributeValues: {
      ":partition": failurePartition(tenantId, appId, shard),
      ":from": range.from,
      ":to": range.to,
    },
    ScanIndexForward: false,
    Limit: query.limit + (passedOver(after) === undefined ? 0 : 1),
  };
};

/** Rows of failures in DynamoDB: one item each, listed by the index of statuses. */
export const dynamoFailureStore = (table: Table, clock: Clock): FailureStore => ({
  put: (run, stored) =>
    sendingIf("PutItem", () =>
      table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: failureItem(run, stored),
          ConditionExpression: `${IS_ABSENT} OR ${IS_NO_LATER}`,
          ExpressionAttributeValues: values(stored.moment),
        }),
      ),
    ),

  remove: (run, nodeExecutionId, moment) =>
    sendingIf("DeleteItem", () =>
      table.client.send(
        new DeleteCommand({
          TableName: table.name,
          Key: failureKey(run, nodeExecutionId),
          ConditionExpression: `${IS_ABSENT} OR ${IS_NO_LATER}`,
          ExpressionAttributeValues: values(moment),
        }),
      ),
    ),

  removeAll: async (run) => {
    const rows = query(table, {
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ProjectionExpression: "sk",
      ExpressionAttributeValues: {
        ":pk": runPartition(run),
        ":from": FAILURE_RANGE.from,
        ":to": FAILURE_RANGE.to,
      },
    });
    const found = await Array.fromAsync(rows, ({ sk }) => String(sk));
    await deleteItems({ table, clock }, run, found);
  },

  list: (asked) =>
    sending("Query", async () => {
      const range = rangeOf(asked);
      if (range.from > range.to) return { rows: [], hasMore: false };
      const page = await table.client.send(new QueryCommand(listInput(table.name, asked, range)));
      const passed = passedOver(asked.after);
      const items = (page.Items ?? []).filter((item) => item["list_sk"] !== passed);
      return {
        rows: items.slice(0, asked.limit).map((item) => storedFailureFrom(item).row),
        hasMore: page.LastEvaluatedKey !== undefined || items.length > asked.limit,
      };
    }),
});
