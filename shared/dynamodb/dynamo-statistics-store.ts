import { randomBytes } from "node:crypto";
import { DeleteCommand, GetCommand, PutCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { AppKey } from "../contract/identifiers.ts";
import type { Span } from "../domain/statistics/period.ts";
import type { Mark, StatisticsStore } from "../ports/statistics-store.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import {
  contributionFrom,
  contributionItem,
  kindOfGrain,
  markFrom,
  statisticsKey,
  summaryFrom,
  summaryItem,
} from "./statistics-item.ts";
import { contributionPartition, type StatisticsKind, statisticsPartition, statisticsSortKey } from "./table.ts";

/** There is nothing to be older or newer. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** What is there is of an earlier state of the run. */
const IS_EARLIER = "rev < :rev OR (rev = :rev AND touches < :touches)";
/** Or of the same. */
const IS_NO_LATER = "rev < :rev OR (rev = :rev AND touches <= :touches)";
/** Nobody has written since we read. */
const IS_UNCHANGED = "version = :version";
/** Nobody has marked it since we read. */
const IS_SAME_MARK = "mark = :mark";

const MARK_BYTES = 9;
const FIRST_MOMENT = Date.parse("0000-01-01T00:00:00Z");
const LAST_MOMENT = Date.parse("9999-12-31T23:59:59Z");
const ALL: Span = { from: FIRST_MOMENT, to: LAST_MOMENT };

/** Keys are of whole minutes: the last one before the end is a minute before it. */
const MINUTE_MS = 60_000;

const rangeInput = ({ tenantId, appId }: AppKey, kind: StatisticsKind, { from, to }: Span) => ({
  KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
  ExpressionAttributeValues: {
    ":pk": statisticsPartition(tenantId, appId),
    ":from": statisticsSortKey(kind, from),
    ":to": statisticsSortKey(kind, to - MINUTE_MS),
  },
});

/**
 * Statistics in DynamoDB: what runs add is an item each, so a run costs one write unit, and another where its quarter has
 * to be marked. Sums and marks of an app share a partition. Every read is strongly consistent.
 */
export const dynamoStatisticsStore = (table: Table): StatisticsStore => {
  const TableName = table.name;
  const range = (app: AppKey, kind: StatisticsKind, span: Span, more: Partial<QueryCommandInput> = {}) =>
    query(table, { ...rangeInput(app, kind, span), ...more });
  return {
    contribute: (app, quarter, contribution, isRepair = false) =>
      sendingIf("PutItem", () =>
        table.client.send(
          new PutCommand({
            TableName,
            Item: contributionItem(app, quarter, contribution),
            ConditionExpression: `${IS_ABSENT} OR ${isRepair ? IS_NO_LATER : IS_EARLIER}`,
            ExpressionAttributeValues: { ":rev": contribution.moment.rev, ":touches": contribution.moment.touches },
          }),
        ),
      ),

    contributions: async function* ({ tenantId, appId }, quarter) {
      const found = query(table, {
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": contributionPartition(tenantId, appId, quarter) },
      });
      for await (const item of found) yield contributionFrom(item);
    },

    mark: async (app, quarter) => {
      const Item = { ...statisticsKey(app, "O", quarter), mark: randomBytes(MARK_BYTES).toString("base64url") };
      await sending("PutItem", () => table.client.send(new PutCommand({ TableName, Item })));
    },

    marks: async (app, { span = ALL, limit = Number.POSITIVE_INFINITY, isNewestFirst = false }) => {
      const marks: Mark[] = [];
      if (span.from >= span.to) return marks;
      const found = range(app, "O", span, {
        ScanIndexForward: !isNewestFirst,
        ...(limit === Number.POSITIVE_INFINITY ? {} : { Limit: limit }),
      });
      for await (const item of found) {
        marks.push(markFrom(item));
        if (marks.length === limit) break;
      }
      return marks;
    },

    unmark: async (app, { quarter, mark }) => {
      await sendingIf("DeleteItem", () =>
        table.client.send(
          new DeleteCommand({
            TableName,
            Key: statisticsKey(app, "O", quarter),
            ConditionExpression: IS_SAME_MARK,
            ExpressionAttributeValues: { ":mark": mark },
          }),
        ),
      );
    },

    find: (app, period) =>
      sending("GetItem", async () => {
        const Key = statisticsKey(app, kindOfGrain(period.grain), period.from);
        const { Item } = await table.client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
        return Item && summaryFrom(Item);
      }),

    list: async function* (app, grain, span) {
      if (span.from >= span.to) return;
      for await (const item of range(app, kindOfGrain(grain), span)) yield summaryFrom(item);
    },

    put: (app, period, summary, version) =>
      sendingIf("PutItem", () =>
        table.client.send(
          new PutCommand({
            TableName,
            Item: {
              ...statisticsKey(app, kindOfGrain(period.grain), period.from),
              ...summaryItem(summary, version + 1),
            },
            ConditionExpression: version === 0 ? IS_ABSENT : IS_UNCHANGED,
            ...(version === 0 ? {} : { ExpressionAttributeValues: { ":version": version } }),
          }),
        ),
      ),
  };
};
