import { QueryCommand } from "@aws-sdk/lib-dynamodb";
import { decodeTime } from "ulid";
import type { RunKey } from "../contract/identifiers.ts";
import { NEVER } from "../domain/retention.ts";
import { query, sending, type Table } from "./document-client.ts";
import { CLAIM_RANGE, entryRange, kindOf, runPartition, TABLE, ulidOf } from "./table.ts";

/** The first or the last item of a range of a run's keys, without what it holds. */
const endOf = (table: Table, run: RunKey, of: { from: string; to: string; isLast: boolean }) =>
  sending("Query", async () => {
    const command = new QueryCommand({
      TableName: table.name,
      ConsistentRead: true,
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: { ":pk": runPartition(run), ":from": of.from, ":to": of.to },
      ProjectionExpression: "sk, ulid",
      ScanIndexForward: !of.isLast,
      Limit: 1,
    });
    return (await table.client.send(command)).Items?.[0] as { sk: string; ulid?: string } | undefined;
  });

const lastOf = (table: Table, run: RunKey, range: { from: string; to: string }) =>
  endOf(table, run, { ...range, isLast: true });

/** When the first entry of a run was received. No claim is older. */
export const firstReceiptOf = async (table: Table, run: RunKey): Promise<number | undefined> => {
  const entry = await endOf(table, run, { ...entryRange(""), isLast: false });
  return entry && decodeTime(ulidOf(entry.sk));
};

/** When the newest entry or claim of a run was received. A claim stands under its epoch: the last one is the newest. */
export const lastReceiptOf = async (table: Table, run: RunKey): Promise<number | undefined> => {
  const [entry, claim] = await Promise.all([lastOf(table, run, entryRange("")), lastOf(table, run, CLAIM_RANGE)]);
  const ulids = [entry && ulidOf(entry.sk), claim?.ulid].filter((ulid) => ulid !== undefined);
  return ulids.length === 0 ? undefined : Math.max(...ulids.map((ulid) => decodeTime(ulid)));
};

/** When the first of a run's entries and claims may be collected. */
export const firstExpiryOf = async (table: Table, run: RunKey): Promise<number | undefined> => {
  const items = query(table, {
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": runPartition(run) },
    ProjectionExpression: "sk, #expiry",
    ExpressionAttributeNames: { "#expiry": TABLE.expiryAttribute },
  });
  let first: number | undefined;
  for await (const item of items) {
    if (!["entry", "claim"].includes(kindOf(String(item["sk"])))) continue;
    const expiry = (item[TABLE.expiryAttribute] as number | undefined) ?? NEVER;
    first = Math.min(first ?? NEVER, expiry);
  }
  return first;
};
