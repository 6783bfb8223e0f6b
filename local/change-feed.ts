/**
 * The table's stream of the embedded stack, whose DynamoDB engine has none: looks at the writes of run headers that this
 * process makes through one client, and hands each that took effect to the function behind the stream. Removals are
 * left out: nothing is told of them.
 *
 * The feed lives in memory. A kill between a write and its handing over loses that change, and so does an answer of the
 * server that never came; writes of other processes are not seen. All this holds for the embedded stack only: on AWS the
 * stream is part of the table.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import type { DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { tableOf } from "../shared/dynamodb/document-client.ts";
import { HEADER_SORT_KEY, TABLE } from "../shared/dynamodb/table.ts";
import type { Log } from "../shared/lambda/log.ts";
import { type Item, toStreamRecord } from "./stream-record.ts";
import { turnsByKey } from "./turns.ts";

/** Whose writes are looked at, and who takes the changes. */
export interface ChangeFeedOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly region: string;
  /** Throwing means that the batch comes again. */
  project(batch: DynamoDBStreamEvent): Promise<void>;
  /** How long to wait before each further try of a batch; after the last its changes are given up. */
  readonly retryDelaysMs?: readonly number[];
  readonly log: Log;
}

/** The feed while it runs. */
export interface ChangeFeed {
  /** Resolves when every write so far has been handed over. */
  drained(): Promise<void>;
  /** Looks at no further write, and resolves when every write so far has been handed over. */
  stop(): Promise<void>;
}

const MIDDLEWARE = "changeFeed";
const BATCH_SIZE = 100;
const RETRY_DELAYS_MS = [100, 1_000];

/** A write as the document client is asked for it. The writers of headers ask for nothing back. */
interface Write {
  readonly Item?: Item;
  readonly Key?: Item;
  readonly ReturnValues?: "ALL_OLD";
}

/** The key of the header that a command writes; undefined where it does something else. */
function headerKeyOf(commandName: unknown, { Item, Key }: Write): Item | undefined {
  const written = commandName === "PutItemCommand" ? Item : commandName === "UpdateItemCommand" ? Key : undefined;
  if (written?.[TABLE.sortKey] !== HEADER_SORT_KEY) return undefined;
  return { [TABLE.partitionKey]: written[TABLE.partitionKey], [TABLE.sortKey]: HEADER_SORT_KEY };
}

/**
 * Begins at once. A write is what it would be without the feed, but that the writes of one header take turns: the feed
 * sees each of them whole, as the next one begins when the state after the one before it has been read.
 */
export function startChangeFeed(options: ChangeFeedOptions): ChangeFeed {
  const { client, tableName, region, log } = options;
  // With the stores' own options: all document clients of one client share them, and the last one made decides.
  const documents = tableOf(client, tableName).client;
  const turns = turnsByKey();
  const outbox = startOutbox(options);
  let position = 0;

  const tell = async (key: Item, written: Item | undefined, before: Item | undefined): Promise<void> => {
    try {
      const get = new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true });
      const after = written ?? (await documents.send(get)).Item;
      if (after === undefined) return;
      outbox.put(toStreamRecord({ key, before, after }, { tableName, region, position: ++position }));
    } catch (error) {
      log({ level: "error", message: "a change of a run was lost for domain events", error });
    }
  };

  client.middlewareStack.add(
    (next, context) => async (args) => {
      const input = args.input as Write;
      const key = headerKeyOf(context["commandName"], input);
      if (key === undefined) return next(args);
      const endTurn = await turns.take(key[TABLE.partitionKey]);
      let told: Promise<void> | undefined;
      try {
        const asking: Write = { ...input, ReturnValues: "ALL_OLD" };
        const result = await next({ ...args, input: asking as typeof args.input });
        told = tell(key, input.Item, (result.output as { readonly Attributes?: Item }).Attributes);
        return result;
      } finally {
        void Promise.resolve(told).then(endTurn);
      }
    },
    { step: "initialize", name: MIDDLEWARE },
  );

  const drained = async (): Promise<void> => {
    await turns.idle();
    await outbox.idle();
  };
  return {
    drained,
    stop: () => {
      client.middlewareStack.remove(MIDDLEWARE);
      return drained();
    },
  };
}

interface Outbox {
  put(record: DynamoDBRecord): void;
  /** Resolves when it is empty and nothing is under way. */
  idle(): Promise<void>;
}

/** Hands records on in their order, one batch after the other. */
function startOutbox(options: ChangeFeedOptions): Outbox {
  const records: DynamoDBRecord[] = [];
  let delivery: Promise<void> | undefined;
  const deliver = async (): Promise<void> => {
    while (records.length > 0) await handOver(options, records.splice(0, BATCH_SIZE));
    delivery = undefined;
  };
  return {
    put: (record) => {
      records.push(record);
      delivery ??= deliver();
    },
    idle: async () => {
      while (delivery !== undefined) await delivery;
    },
  };
}

async function handOver(options: ChangeFeedOptions, records: DynamoDBRecord[]): Promise<void> {
  for (const delayMs of [...(options.retryDelaysMs ?? RETRY_DELAYS_MS), undefined]) {
    try {
      return await options.project({ Records: records });
    } catch (error) {
      if (delayMs !== undefined) await wait(delayMs);
      else options.log({ level: "error", message: "domain events were lost", changes: records.length, error });
    }
  }
}
