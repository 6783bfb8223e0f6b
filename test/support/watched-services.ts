import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { TABLE } from "../../shared/dynamodb/table.ts";
import type { Services } from "../../shared/lambda/connect-recording.ts";
import type { BlobLinks } from "../../shared/ports/blob-links.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { Touch } from "./granted.ts";
import { testEndpoints } from "./test-endpoints.ts";

// biome-ignore lint/suspicious/noExplicitAny: requests are JSON of many shapes
type Json = any;

const partitionOf = (item: Json): string => item[TABLE.partitionKey].S;

/** The partition that a query's condition names: what its key is equal to. */
const queriedPartition = ({ KeyConditionExpression, ExpressionAttributeValues }: Json): string => {
  const value = /^#?\w+ = (:\w+)/.exec(KeyConditionExpression)?.[1];
  if (value === undefined) throw new Error(`expected a query of one partition, came ${KeyConditionExpression}`);
  return ExpressionAttributeValues[value].S;
};

const writtenPartitions = (requests: readonly Json[]): string[] =>
  requests.map(({ PutRequest, DeleteRequest }) => partitionOf(PutRequest?.Item ?? DeleteRequest.Key));

const leadingKeysOf = (operation: string, input: Json): string[] => {
  switch (operation) {
    case "Query":
      return [queriedPartition(input)];
    case "PutItem":
      return [partitionOf(input.Item)];
    case "GetItem":
    case "UpdateItem":
    case "DeleteItem":
      return [partitionOf(input.Key)];
    case "BatchWriteItem":
      return Object.values<Json>(input.RequestItems).flatMap(writtenPartitions);
    default:
      throw new Error(`expected an operation on items, came ${operation}`);
  }
};

/** A client that tells of each request what IAM would ask about. */
const watchedClient = (tell: (touch: Touch) => void): DynamoDBClient => {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ region: "us-east-1", endpoint: testEndpoints().dynamodb, credentials });
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as { headers: Record<string, string>; body: string | Uint8Array };
      const operation = headers["x-amz-target"]?.split(".")[1] ?? "";
      const input = JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
      const { IndexName } = input;
      const resource = IndexName === undefined ? "table" : `table/index/${IndexName}`;
      tell({ action: `dynamodb:${operation}`, resource, leadingKeys: leadingKeysOf(operation, input) });
      return next(args);
    },
    { step: "build" },
  );
  return client;
};

const watchedBlobs = (blobs: BlobStore, tell: (action: string, key?: string) => void): BlobStore => ({
  put: (key, bytes) => {
    tell("PutObject", key);
    return blobs.put(key, bytes);
  },
  get: (key) => {
    tell("GetObject", key);
    return blobs.get(key);
  },
  sizeOf: (key) => {
    tell("GetObject", key);
    return blobs.sizeOf(key);
  },
  copy: (from, to) => {
    tell("GetObject", from);
    tell("PutObject", to);
    return blobs.copy(from, to);
  },
  list: (prefix) => {
    tell("ListBucket");
    return blobs.list(prefix);
  },
  remove: (key) => {
    tell("DeleteObject", key);
    return blobs.remove(key);
  },
});

/** Whoever follows a link does what its maker may. */
const watchedLinks = (links: BlobLinks, tell: (action: string, key?: string) => void): BlobLinks => ({
  upload: (key, bytes, time) => {
    tell("PutObject", key);
    return links.upload(key, bytes, time);
  },
  download: (key, time) => {
    tell("GetObject", key);
    return links.download(key, time);
  },
});

/** The same services, which tell each thing that is done with what is kept before they do it. */
export const watchedServices = (services: Services, tell: (touch: Touch) => void): Services => {
  const tellObject = (action: string, key?: string): void =>
    tell({ action: `s3:${action}`, resource: key === undefined ? "payloads" : `payloads/${key}` });
  const { blobs, links } = services;
  return {
    ...services,
    dynamodb: watchedClient(tell),
    blobs: watchedBlobs(blobs, tellObject),
    ...(links === undefined ? {} : { links: watchedLinks(links, tellObject) }),
  };
};
