/** Changes of items as the table's stream tells them: what Lambda's event source mapping hands to a function. */
import { randomBytes } from "node:crypto";
import { marshall, type NativeAttributeValue } from "@aws-sdk/util-dynamodb";
import type { AttributeValue, DynamoDBRecord } from "aws-lambda";

/** An item as the document client has it. */
export type Item = Readonly<Record<string, NativeAttributeValue>>;

/** An item's key, and the item before and after its change. */
export interface ItemImages {
  readonly key: Item;
  /** Undefined: the item is new. */
  readonly before: Item | undefined;
  readonly after: Item;
}

/** Where a change happened. */
export interface StreamPlace {
  readonly tableName: string;
  readonly region: string;
  /** Rises with each record. */
  readonly position: number;
}

/** DynamoDB JSON as it is on the wire: bytes in base64. Enough for items whose bytes are not nested. */
const imageOf = (item: Item): Record<string, AttributeValue> =>
  Object.fromEntries(
    Object.entries(marshall({ ...item }, { removeUndefinedValues: true })).map(([name, value]) => [
      name,
      (value.B === undefined ? value : { B: Buffer.from(value.B).toString("base64") }) as AttributeValue,
    ]),
  );

/** A stream's record of a change that happens now. Like a stream it tells the time in whole seconds. */
export function toStreamRecord({ key, before, after }: ItemImages, place: StreamPlace): DynamoDBRecord {
  const { tableName, region, position } = place;
  const images = {
    Keys: imageOf(key),
    NewImage: imageOf(after),
    ...(before === undefined ? {} : { OldImage: imageOf(before) }),
  };
  return {
    eventID: randomBytes(16).toString("hex"),
    eventName: before === undefined ? "INSERT" : "MODIFY",
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
      ...images,
      SequenceNumber: String(position).padStart(21, "0"),
      SizeBytes: Buffer.byteLength(JSON.stringify(images)),
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    eventSourceARN: `arn:aws:dynamodb:${region}:000000000000:table/${tableName}/stream/local`,
  };
}
