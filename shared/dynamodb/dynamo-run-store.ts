import {
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type { RunKey } from "../contract/identifiers.ts";
import type { Header, HeaderFinish } from "../domain/header.ts";
import type { ListPage, RunStore } from "../ports/run-store.ts";
import { sending, sendingIf, type Table } from "./document-client.ts";
import {
  finishChange,
  headerFrom,
  headerItem,
  listedHeaderFrom,
  listedStateFrom,
  listPositionFrom,
  NEW_HEADER,
  STARTED_PHASE,
  tombstoneItem,
} from "./header-item.ts";
import { listInput, offspringInput, statesInput } from "./list-input.ts";
import { headerKey } from "./table.ts";

/** Two writers that both find no header: the second must look again. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** Somebody else has written since we read. */
const IS_UNCHANGED = "rev = :rev";
/** Only then is the join of start and finish the fold. */
const IS_PLAINLY_STARTED = "phase = :started";
/** What is on hold keeps its place: the finish has to be folded. */
const IS_NOT_ON_HOLD = "attribute_not_exists(held)";
/** A run that has expired does not come back: its finish has to be folded. */
const HAS_NOT_EXPIRED = "expires_at > :now";
/** Only a header has a phase: neither nothing nor a tombstone. */
const HAS_HEADER = "attribute_exists(phase)";
/** The finish is listed under its own app: another one than the start's would leave the row in the wrong list. */
const IS_OF_SAME_APP = "app = :app";

/** The rev of what is not there. */
const NO_HEADER = 0;

const finishInput = (
  table: string,
  run: RunKey,
  { finish, now }: { readonly finish: HeaderFinish; readonly now: number },
): UpdateCommandInput => {
  const change = finishChange(run, finish);
  const isListed = change.statusKey !== undefined;
  const isUsual = change.keptDays === undefined;
  const removed = [...(isListed ? [] : ["status_pk"]), ...(isUsual ? ["kept"] : [])];
  return {
    TableName: table,
    Key: headerKey(run),
    UpdateExpression: [
      "SET #status = :status, #finish = :finish, phase = :phase, seen_finish = :seen, expires_at = :expires, rev = rev + :one",
      isListed ? ", status_pk = :status_pk" : "",
      isUsual ? "" : ", kept = :kept",
      removed.length === 0 ? "" : ` REMOVE ${removed.join(", ")}`,
    ].join(""),
    ConditionExpression: `${IS_PLAINLY_STARTED} AND ${IS_OF_SAME_APP} AND ${IS_NOT_ON_HOLD} AND ${HAS_NOT_EXPIRED}`,
    ExpressionAttributeNames: { "#status": "status", "#finish": "finish" },
    ExpressionAttributeValues: {
      ":status": change.status,
      ":finish": change.finish,
      ":phase": change.phase,
      ":seen": change.seenFinish,
      ":expires": change.expiresAt,
      ":now": now / 1000,
      ":one": 1,
      ":started": STARTED_PHASE,
      ":app": finish.row.appId,
      ...(isListed ? { ":status_pk": change.statusKey } : {}),
      ...(isUsual ? {} : { ":kept": change.keptDays }),
    },
  };
};

/** A page of the query; an empty one where nothing can be found. */
const listPage = (table: Table, input: QueryCommandInput | undefined): Promise<ListPage> =>
  sending("Query", async () => {
    if (input === undefined) return { headers: [], hasMore: false };
    const page = await table.client.send(new QueryCommand(input));
    return { headers: (page.Items ?? []).map(listedHeaderFrom), hasMore: page.LastEvaluatedKey !== undefined };
  });

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
        new PutCommand({
          TableName: table.name,
          Item: headerItem(run, header, NEW_HEADER),
          ConditionExpression: IS_ABSENT,
        }),
      ),
    ),

  finish: (run, finish, now) =>
    sendingIf("UpdateItem", () => table.client.send(new UpdateCommand(finishInput(table.name, run, { finish, now })))),

  replace: (run, header, present) =>
    sendingIf("PutItem", () =>
      table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: headerItem(run, header, { ...present, rev: present.rev + 1 }),
          ConditionExpression: IS_UNCHANGED,
          ExpressionAttributeValues: { ":rev": present.rev },
        }),
      ),
    ),

  touch: (run) =>
    sendingIf("UpdateItem", () =>
      table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: headerKey(run),
          UpdateExpression: "ADD touches :one",
          ConditionExpression: HAS_HEADER,
          ExpressionAttributeValues: { ":one": 1 },
        }),
      ),
    ),

  bury: (run, { rev, ...tombstone }) =>
    sendingIf("PutItem", () =>
      table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: tombstoneItem(run, { ...tombstone, rev: rev + 1 }),
          ...(rev === NO_HEADER
            ? { ConditionExpression: IS_ABSENT }
            : {
                ConditionExpression: `${HAS_HEADER} AND ${IS_UNCHANGED} AND ${IS_NOT_ON_HOLD}`,
                ExpressionAttributeValues: { ":rev": rev },
              }),
        }),
      ),
    ),

  list: (query) => listPage(table, listInput(table.name, query)),

  listOffspring: (query) => listPage(table, offspringInput(table.name, query)),

  listStates: (query) =>
    sending("Query", async () => {
      const input = statesInput(table.name, query);
      if (input === undefined) return { states: [], reached: undefined };
      const page = await table.client.send(new QueryCommand(input));
      return { states: (page.Items ?? []).map(listedStateFrom), reached: listPositionFrom(page.LastEvaluatedKey) };
    }),
});
