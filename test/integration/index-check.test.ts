import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import {
  type AttributeValue,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import storage from "dynalite/db/index.js";
import { checkIndexes } from "../../local/index-check.ts";
import { ensureTable, tableDefinition } from "../../local/resources.ts";
import { TABLE } from "../../shared/dynamodb/table.ts";

type Item = Record<string, AttributeValue>;

const TABLE_NAME = "checked";

/** A header as the store writes it, as far as indexes are concerned. */
function header(run: string, attributes: Record<string, string>): Item {
  const rest = Object.entries(attributes).map(([name, value]) => [name, { S: value }] as const);
  return { pk: { S: `T#demo#R#${run}` }, sk: { S: "RUN" }, blob: { B: Uint8Array.of(1) }, ...Object.fromEntries(rest) };
}

const RUNNING = header("r1", {
  time_pk: "time",
  status_pk: "running",
  list_sk: "2026#r1",
  status: "running",
  rev: "1",
});
const FAILED = header("r1", { time_pk: "time", status_pk: "failed", list_sk: "2026#r1", status: "failed", rev: "2" });
const SUCCEEDED = header("r1", { time_pk: "time", list_sk: "2026#r1", status: "succeeded", rev: "3" });
const EARLIER = header("r1", { time_pk: "time", status_pk: "failed", parent_pk: "p", list_sk: "2025#r1", rev: "4" });
const OTHER = header("r2", { time_pk: "time", status_pk: "paused", list_sk: "2026#r2", status: "paused", rev: "1" });
/** The row of a failed node execution: it stands in the index of statuses alone. */
const NODE_FAILED: Item = {
  ...header("r1", { status_pk: "node-failed", list_sk: "2026#r1#n1", status: "failed", rev: "2" }),
  sk: { S: "F#n1" },
};
const ENTRY: Item = { pk: { S: "T#demo#R#r1" }, sk: { S: "L#1" }, slim: { B: Uint8Array.of(2) } };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "runstone-index-check-"));
  await withTable(async (client) => {
    for (const Item of [OTHER, ENTRY]) await client.send(new PutItemCommand({ TableName: TABLE_NAME, Item }));
  });
});

afterEach(() => rm(directory, { recursive: true }));

/** Runs dynalite on the directory for as long as `use` takes: each time is a restart. */
async function withTable<Result>(use: (client: DynamoDBClient) => Promise<Result>): Promise<Result> {
  const server = dynalite({ path: directory, createTableMs: 0 });
  await promisify((done: () => void) => server.listen(0, "127.0.0.1", done))();
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  try {
    await ensureTable(client, TABLE_NAME);
    return await use(client);
  } finally {
    client.destroy();
    await promisify((done: () => void) => server.close(done))();
  }
}

const put = (Item: Item) => withTable((client) => client.send(new PutItemCommand({ TableName: TABLE_NAME, Item })));

/** How many single writes dynalite does to bring an item from one state to another: rows that go, rows that come, the item. */
function writesOf(from: Item | undefined, to: Item | undefined) {
  const table = tableDefinition(TABLE_NAME);
  return storage.getIndexActions(table.GlobalSecondaryIndexes, from && wire(from), to && wire(to), table);
}

/** As a kill leaves it: the first `count` of the writes that bring the item from one state to another are done. */
async function killDuring(from: Item | undefined, to: Item | undefined, count: number): Promise<void> {
  const { deletes, puts } = writesOf(from, to);
  const store = storage.create({ path: directory });
  await store.db.open();
  const run = [
    ...deletes.map(({ index, key }) => (done: (error: Error | null) => void) => {
      store.getIndexDb("global", TABLE_NAME, index).del(key, done);
    }),
    ...puts.map(({ index, key, item }) => (done: (error: Error | null) => void) => {
      store.getIndexDb("global", TABLE_NAME, index).put(key, item, done);
    }),
  ];
  for (const write of run.slice(0, count)) await promisify(write)();
  await store.db.close();
}

/** An item as it comes over the wire and lies in the store: binary as base64. */
function wire(item: Item): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(item, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
    ),
  ) as Record<string, unknown>;
}

const byText = (left: unknown, right: unknown): number => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1);

async function scan(client: DynamoDBClient, index?: string): Promise<Item[]> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: TABLE_NAME, IndexName: index }));
  return Items.sort(byText);
}

const pick = (item: Item, names: readonly string[]): Item =>
  Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));

/** The table holds these items, and each index exactly the rows that they generate. */
async function expectTable(client: DynamoDBClient, items: Item[]): Promise<void> {
  expect(await scan(client)).toEqual([...items].sort(byText));
  for (const index of TABLE.indexes) {
    const rows = items
      .filter((item) => item[index.partitionKey] !== undefined && item[index.sortKey] !== undefined)
      .map((item) => pick(item, ["pk", "sk", index.partitionKey, index.sortKey, ...index.projection]));
    const found = await scan(client, index.name);
    expect(found.map(byName).sort(byText)).toEqual(rows.map(byName).sort(byText));
  }
}

const byName = (item: Item): Item => Object.fromEntries(Object.entries(item).sort(byText));

const CHANGES: [string, Item | undefined, Item | undefined][] = [
  ["a new run", undefined, RUNNING],
  ["a change of status", RUNNING, FAILED],
  ["a change that leaves the sparse index", RUNNING, SUCCEEDED],
  ["a change that enters the sparse index", SUCCEEDED, RUNNING],
  ["a change of every key", RUNNING, EARLIER],
  ["a change back of every key", EARLIER, RUNNING],
  ["a deletion", FAILED, undefined],
  ["a new failure", undefined, NODE_FAILED],
  ["a failure that changes", NODE_FAILED, { ...NODE_FAILED, list_sk: { S: "2025#r1#n1" } }],
  ["a failure that is taken back", NODE_FAILED, undefined],
];

describe("checking the indexes", () => {
  test.each(
    CHANGES.flatMap(([name, from, to]) => {
      const { deletes, puts } = writesOf(from, to);
      return Array.from({ length: deletes.length + puts.length }, (_, done) => [name, done + 1, from, to] as const);
    }),
  )("undoes %s that a kill cut short after %i writes", async (_, count, from, to) => {
    if (from !== undefined) await put(from);
    await killDuring(from, to, count);

    await withTable(async (client) => {
      expect(await checkIndexes(client, TABLE_NAME)).toBeGreaterThan(0);

      await expectTable(client, from === undefined ? [OTHER, ENTRY] : [OTHER, ENTRY, from]);
      expect(await checkIndexes(client, TABLE_NAME)).toBe(0);
    });
  });

  test.each([1, 2, 3, 4, 5, 6])(
    "is finished by the next start where it was itself cut short after %i requests",
    async (most) => {
      await put(FAILED);
      await killDuring(FAILED, EARLIER, 4);
      await killDuring(undefined, header("r3", { time_pk: "time", status_pk: "running", list_sk: "2026#r3" }), 2);

      await withTable(async (client) => {
        await checkIndexes(failingAfter(client, most), TABLE_NAME).catch((error: Error) => {
          expect(error.message).toBe("killed");
        });
      });

      await withTable(async (client) => {
        await checkIndexes(client, TABLE_NAME);

        await expectTable(client, [OTHER, ENTRY, FAILED]);
      });
    },
  );

  test("leaves a sound table as it is", async () => {
    await put(FAILED);

    await withTable(async (client) => {
      expect(await checkIndexes(client, TABLE_NAME)).toBe(0);

      await expectTable(client, [OTHER, ENTRY, FAILED]);
    });
  });

  test("sees a table of more pages than one", async () => {
    const wide = "x".repeat(300_000);
    await put(FAILED);
    await killDuring(FAILED, undefined, 2);
    await withTable(async (client) => {
      for (let run = 0; run < 8; run += 1) {
        const Item = header(`w${run}`, { time_pk: "wide", list_sk: `2026#w${run}`, start: wide });
        await client.send(new PutItemCommand({ TableName: TABLE_NAME, Item }));
      }

      expect(await checkIndexes(client, TABLE_NAME)).toBe(2);
    });
  });

  test("repairs a row without reading or changing the rest of its item", async () => {
    await put(RUNNING);
    await killDuring(RUNNING, undefined, 1);

    await withTable(async (client) => {
      const sent: unknown[] = [];
      await checkIndexes(recording(client, sent), TABLE_NAME);

      const writes = sent.filter((command) => !(command instanceof ScanCommand));
      expect(writes).toEqual([expect.any(UpdateItemCommand)]);
      expect((writes[0] as UpdateItemCommand).input.UpdateExpression).toBeUndefined();
    });
  });
});

/** Passes commands on, and fails as a kill would once so many writes are done. */
function failingAfter(client: DynamoDBClient, writes: number): DynamoDBClient {
  let left = writes;
  const send = async (command: never): Promise<unknown> => {
    if ((command as object) instanceof ScanCommand) return client.send(command);
    if (left === 0) throw new Error("killed");
    left -= 1;
    return client.send(command);
  };
  return { send } as unknown as DynamoDBClient;
}

function recording(client: DynamoDBClient, sent: unknown[]): DynamoDBClient {
  const send = (command: never): unknown => {
    sent.push(command);
    return client.send(command);
  };
  return { send } as unknown as DynamoDBClient;
}
