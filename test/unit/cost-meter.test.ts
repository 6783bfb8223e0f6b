import { randomUUID } from "node:crypto";
import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { type Charge, costMeter } from "../../bench/cost-meter.ts";
import { type Item, itemBytes } from "../../bench/item-size.ts";
import { billOf, queuePrice } from "../../bench/prices.ts";
import { ensureTable } from "../../local/resources.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

const S = (text: string): AttributeValue => ({ S: text });
const N = (text: string): AttributeValue => ({ N: text });

describe("an item's size", () => {
  it("is that of the names and values of its attributes", () => {
    const item = {
      pk: S("T#a"), //                              2 + 3
      ü: S("é€"), //                              2 + 2 + 3: UTF-8
      n: N("1200"), //                              1 + 1 pair of digits + 1
      b: { B: Buffer.alloc(5) }, //                 1 + 5
      yes: { BOOL: true }, //                       3 + 1
      none: { NULL: true }, //                      4 + 1
      list: { L: [S("ab"), N("7")] }, //            4 + 3 + (1 + 2) + (1 + 2)
      map: { M: { k: S("v"), l: { L: [] } } }, //   3 + 3 + (1 + 1 + 1) + (1 + 1 + 3)
    } satisfies Item;

    expect(itemBytes(item)).toBe(5 + 7 + 3 + 6 + 4 + 5 + 13 + 14);
  });

  it.each([
    ["0", 1],
    ["7", 1 + 1],
    ["12", 1 + 1],
    ["123", 2 + 1], //               01 23
    ["1.2", 2 + 1], //               01 . 20
    ["12.3", 2 + 1], //              12 . 30
    ["0.0012", 1 + 1], //            . 00 12
    ["1200000", 2 + 1], //           01 20 00 00
    ["-5", 1 + 1 + 1], //            the sign
    ["1e3", 1 + 1], //               10 00
    ["1764842022", 5 + 1], //        17 64 84 20 22
    ["1764840000", 3 + 1], //        17 64 84 00 00
  ])("counts the number %s in pairs of digits from the point, without zeros at its ends", (number, bytes) => {
    expect(itemBytes({ n: N(number) })).toBe("n".length + bytes);
  });

  it("is not known for sets", () => {
    expect(() => itemBytes({ s: { SS: ["a"] } })).toThrow("SS");
  });
});

/** 2 + 7 for `pk` and 2 + 3 for `sk`. */
const KEY = { pk: S("T#t#R#r"), sk: S("RUN") };
const KEY_BYTES = 14;
/** 7 + 1 for each: with them, an item has a row in `runs_by_time`. */
const LISTED = { time_pk: S("A"), list_sk: S("1") };
const LISTED_BYTES = 16;

/** An attribute that no index repeats. */
const pay = (bytes: number) => ({ pay: S("x".repeat(bytes - "pay".length)) });
/** One that every index repeats. */
const app = (bytes: number) => ({ app: S("x".repeat(bytes - "app".length)) });

const startMeter = async () => {
  const settings = {
    endpoint: testEndpoints().dynamodb,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
  const client = new DynamoDBClient(settings);
  const aside = new DynamoDBClient(settings);
  clients.push(client, aside);
  const TableName = `runstone-${randomUUID()}`;
  await ensureTable(aside, TableName);
  const meter = costMeter(aside);
  meter.attachTo(client);
  return {
    meter,
    client,
    TableName,
    put: (item: Item) => client.send(new PutItemCommand({ TableName, Item: { ...item } })),
    putIfAbsent: (item: Item) =>
      client.send(
        new PutItemCommand({ TableName, Item: { ...item }, ConditionExpression: "attribute_not_exists(pk)" }),
      ),
    update: (UpdateExpression: string, values?: Item) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: KEY,
          UpdateExpression,
          ...(values === undefined ? {} : { ExpressionAttributeValues: { ...values } }),
        }),
      ),
    /** Units by place, and forgets them. */
    units: (): Record<string, number> => {
      const charges = meter.take();
      return Object.fromEntries(charges.map(({ place, units }) => [place, units]));
    },
  };
};

const clients: DynamoDBClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

describe("a write costs", () => {
  it("a unit for each KiB begun", async () => {
    const { put, units } = await startMeter();

    await put({ ...KEY, ...pay(1024 - KEY_BYTES) });
    expect(units()).toEqual({ table: 1 });

    await put({ ...KEY, sk: S("L#1"), ...pay(1025 - KEY_BYTES) });
    expect(units()).toEqual({ table: 2 });
  });

  it("by the larger of the item before and after", async () => {
    const { put, update, client, TableName, units } = await startMeter();
    await put({ ...KEY, ...pay(3000) });
    units();

    await put({ ...KEY, ...pay(100) }); //        14 + 3000 bytes before
    expect(units()).toEqual({ table: 3 });

    await update("SET pay = :p", { ":p": S("x".repeat(2044)) }); // 14 + 3 + 2044 = 2061 after
    expect(units()).toEqual({ table: 3 });

    await update("REMOVE pay"); //                2061 before
    expect(units()).toEqual({ table: 3 });

    await client.send(new DeleteItemCommand({ TableName, Key: KEY }));
    expect(units()).toEqual({ table: 1 });
  });

  it("as much where its condition fails, and nothing in indexes", async () => {
    const { put, putIfAbsent, client, TableName, units } = await startMeter();
    await put({ ...KEY, ...LISTED, ...pay(2500) });
    units();

    await expect(putIfAbsent({ ...KEY, time_pk: S("B") })).rejects.toThrow("conditional");
    expect(units()).toEqual({ table: 3 }); //     14 + 16 + 2500 bytes are there

    await expect(putIfAbsent({ ...KEY, ...pay(4000) })).rejects.toThrow("conditional");
    expect(units()).toEqual({ table: 4 }); //     14 + 4000 bytes would be

    const update = new UpdateItemCommand({
      TableName,
      Key: { ...KEY, sk: S("absent") },
      UpdateExpression: "REMOVE pay",
      ConditionExpression: "attribute_exists(pk)",
    });
    await expect(client.send(update)).rejects.toThrow("conditional");
    expect(units()).toEqual({ table: 1 });
  });

  it("the same through the document client", async () => {
    const { client, TableName, units } = await startMeter();

    const Item = { pk: "T#t#R#r", sk: "RUN", ulid: undefined, pay: Buffer.alloc(1024 - KEY_BYTES - "pay".length) };
    const document = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
    await document.send(new PutCommand({ TableName, Item }));

    expect(units()).toEqual({ table: 1 });
  });
});

describe("a write costs in an index", () => {
  it("a unit for each KiB begun of keys and projected attributes", async () => {
    const { put, meter } = await startMeter();

    await put({ ...KEY, ...LISTED, ...app(1024 - KEY_BYTES - LISTED_BYTES), ...pay(1000) });

    expect(meter.take()).toEqual([
      { kind: "write", place: "table", of: "RUN", bytes: 1024 + 1000, units: 2 },
      { kind: "write", place: "runs_by_time", of: "RUN", bytes: 1024, units: 1 },
    ] satisfies Charge[]);
  });

  it("nothing where the item lacks one of its keys", async () => {
    const { put, units } = await startMeter();

    await put({ ...KEY, time_pk: S("A"), status_pk: S("A") });

    expect(units()).toEqual({ table: 1 });
  });

  it("nothing where its row stays as it is", async () => {
    const { put, update, units } = await startMeter();
    await put({ ...KEY, ...LISTED, status_pk: S("running") });
    units();

    await update("SET pay = :p", { ":p": S("not in the index") });

    expect(units()).toEqual({ table: 1 });
  });

  it("a write where a projected attribute changes, by the larger of both rows", async () => {
    const { put, update, units } = await startMeter();
    await put({ ...KEY, ...LISTED, ...app(1100) });
    units();

    await update("REMOVE app"); //              14 + 16 + 1100 bytes before

    expect(units()).toEqual({ table: 2, runs_by_time: 2 });
  });

  it("a write where its row leaves, another where it comes", async () => {
    const { put, update, units } = await startMeter();
    await put({ ...KEY, ...LISTED, status_pk: S("running") });
    expect(units()).toEqual({ table: 1, runs_by_time: 1, runs_by_status: 1 });

    await update("REMOVE status_pk");
    expect(units()).toEqual({ table: 1, runs_by_status: 1 });

    await update("SET status_pk = :s", { ":s": S("failed") });
    expect(units()).toEqual({ table: 1, runs_by_status: 1 });
  });

  it("two where its key changes: the old row goes, a new one comes", async () => {
    const { put, update, units } = await startMeter();
    await put({ ...KEY, ...LISTED, status_pk: S("running"), ...app(1100) });
    units();

    // 2 units for the old row, of 14 + 7 + 1 + 9 + 7 + 1100 bytes, and 1 for the new, of 14 + 8 + 9 + 6.
    await update("SET status_pk = :s REMOVE app", { ":s": S("failed") });

    expect(units()).toEqual({ table: 2, runs_by_time: 2, runs_by_status: 2 + 1 });

    await update("SET list_sk = :s", { ":s": S("2") });
    expect(units()).toEqual({ table: 1, runs_by_time: 1 + 1, runs_by_status: 1 + 1 });
  });
});

describe("a read costs", () => {
  const query = (of: { TableName: string; isConsistent?: boolean; Limit?: number }) =>
    new QueryCommand({
      TableName: of.TableName,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": KEY.pk },
      ...(of.isConsistent === undefined ? {} : { ConsistentRead: of.isConsistent }),
      ...(of.Limit === undefined ? {} : { Limit: of.Limit }),
    });

  it("a unit for each 4 KiB begun, half of it where it is eventually consistent", async () => {
    const { put, client, TableName, units } = await startMeter();
    await put({ ...KEY, ...pay(4097 - KEY_BYTES) });
    units();

    await client.send(new GetItemCommand({ TableName, Key: KEY, ConsistentRead: true }));
    expect(units()).toEqual({ table: 2 });

    await client.send(new GetItemCommand({ TableName, Key: KEY }));
    expect(units()).toEqual({ table: 1 });
  });

  it("the least there is where nothing is found", async () => {
    const { client, TableName, units } = await startMeter();

    await client.send(new GetItemCommand({ TableName, Key: KEY, ConsistentRead: true }));
    expect(units()).toEqual({ table: 1 });

    await client.send(query({ TableName, isConsistent: false }));
    expect(units()).toEqual({ table: 0.5 });
  });

  it("the sum of a query's items, rounded once a page", async () => {
    const { put, client, TableName, meter, units } = await startMeter();
    for (const sk of ["L#1", "L#2", "L#3"]) await put({ pk: KEY.pk, sk: S(sk), ...pay(1500 - KEY_BYTES) });
    meter.take();

    await client.send(query({ TableName, isConsistent: true })); //           3 x 1500 = 4500
    expect(units()).toEqual({ table: 2 });

    await client.send(query({ TableName, isConsistent: true, Limit: 2 })); // 2 x 1500
    expect(units()).toEqual({ table: 1 });
  });

  it("the rows of an index, not their items", async () => {
    const { put, client, TableName, meter } = await startMeter();
    for (const run of ["1", "2", "3"]) {
      const key = { pk: S(`T#t#R#${run}`), sk: KEY.sk };
      await put({ ...key, ...LISTED, ...app(1500 - KEY_BYTES - LISTED_BYTES), ...pay(2000) });
    }
    meter.take();

    await client.send(
      new QueryCommand({
        TableName,
        IndexName: "runs_by_time",
        KeyConditionExpression: "time_pk = :a",
        ExpressionAttributeValues: { ":a": S("A") },
      }),
    );

    expect(meter.take()).toEqual([
      { kind: "read", place: "runs_by_time", of: "3 items", bytes: 4500, units: 2 / 2 },
    ] satisfies Charge[]);
  });
});

describe("a meter", () => {
  it("counts all that a query reads, whatever it answers of it", async () => {
    const { client, TableName, put, meter } = await startMeter();
    await put({ ...KEY, ...pay(5000) });
    meter.take();

    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: "#partition = :pk",
        ProjectionExpression: "#kind",
        ExpressionAttributeNames: { "#partition": "pk", "#kind": "sk" },
        ExpressionAttributeValues: { ":pk": KEY.pk },
      }),
    );

    expect(Items).toEqual([{ sk: KEY.sk }]);
    expect(meter.take()).toMatchObject([{ kind: "read", bytes: KEY_BYTES + 5000, units: 1 }]);
  });

  it("does not let a command pass that it cannot count", async () => {
    const { client, TableName } = await startMeter();

    await expect(client.send(new ScanCommand({ TableName }))).rejects.toThrow("does not count ScanCommand");
  });

  it("counts writes to one item that come together as if one after the other", async () => {
    const { put, meter } = await startMeter();

    await Promise.all([put({ ...KEY, ...LISTED }), put({ ...KEY, ...LISTED }), put({ ...KEY, ...LISTED })]);

    // The row comes once, and stays as it is.
    expect(billOf(meter.take()).writeUnitsOf).toEqual({ table: 3, runs_by_time: 1 });
  });

  it("counts objects put, copied, got and looked at, also one that is not there, and no removal", async () => {
    const { meter } = await startMeter();
    const kept = new Map<string, Uint8Array>();
    const objects = meter.countObjects({
      put: async (key, bytes) => void kept.set(key, bytes),
      get: async (key) => kept.get(key),
      sizeOf: async (key) => kept.get(key)?.length,
      copy: async (from, to) => void kept.set(to, kept.get(from) ?? Buffer.of()) === undefined,
      list: async function* () {
        yield* kept.keys();
      },
      remove: async (key) => void kept.delete(key),
    });

    await objects.put("a", Buffer.alloc(10));
    await objects.get("a");
    await objects.get("b");
    await objects.copy("a", "c");
    await objects.sizeOf("c");
    await objects.remove("a");

    const { puts, gets } = billOf(meter.take());
    expect({ puts, gets, left: kept.size }).toEqual({ puts: 2, gets: 3, left: 1 });
  });
});

describe("a price", () => {
  it("is that of units and requests, per million, divided among runs", () => {
    const charges: Charge[] = [
      { kind: "write", place: "table", of: "L#1", bytes: 6000, units: 6 },
      { kind: "write", place: "table", of: "RUN", bytes: 600, units: 1 },
      { kind: "write", place: "runs_by_time", of: "RUN", bytes: 500, units: 1 },
      { kind: "read", place: "table", of: "RUN", bytes: 600, units: 1 },
      { kind: "write", place: "objects", of: "runs/a", bytes: 9000, units: 1 },
      { kind: "read", place: "objects", of: "runs/a", bytes: 9000, units: 1 },
    ];

    const bill = billOf(charges, 2);

    expect(bill).toEqual({
      writeUnits: 4,
      writeUnitsOf: { table: 3.5, runs_by_time: 0.5 },
      readUnits: 0.5,
      puts: 0.5,
      gets: 0.5,
      dollarsPerMillion: (8 * 0.625 + 1 * 0.125 + 1 * 5 + 1 * 0.4) / 2,
    });
  });

  it("of a queue message is three requests for each 64 KB begun", () => {
    expect(queuePrice(65_536)).toBeCloseTo(3 * 0.4);
    expect(queuePrice(65_537)).toBeCloseTo(2 * 3 * 0.4);
  });
});
