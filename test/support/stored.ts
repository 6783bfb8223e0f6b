import { readdirSync } from "node:fs";
import { ScanCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import type { Service } from "./service.ts";

/** How many items and objects a service has stored: the table is read whole, as only a test may. */
export const storedBy = async (service: Service): Promise<{ items: number; objects: number }> => {
  let items = 0;
  let start: ScanCommandInput["ExclusiveStartKey"];
  do {
    const page = await service.dynamodb.send(
      new ScanCommand({
        TableName: service.tableName,
        Select: "COUNT",
        ConsistentRead: true,
        ExclusiveStartKey: start,
      }),
    );
    items += page.Count ?? 0;
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return { items, objects: objectsOf(service).length };
};

/** Every item of a service, as only a test may read them. */
export const itemsOf = async (service: Service): Promise<Record<string, unknown>[]> => {
  const client = DynamoDBDocumentClient.from(service.dynamodb);
  const items: Record<string, unknown>[] = [];
  for await (const page of paginateScan({ client }, { TableName: service.tableName, ConsistentRead: true })) {
    items.push(...(page.Items ?? []));
  }
  return items;
};

/** The paths of a service's objects. */
export const objectsOf = (service: Service): string[] =>
  readdirSync(service.objects, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(service.objects.length + 1));

/** All that a service has logged, as text, errors with their messages, stacks and causes. */
export const logText = (service: Service): string =>
  JSON.stringify(service.logs, (_name, value: unknown) =>
    value instanceof Error
      ? { name: value.name, message: value.message, stack: value.stack, cause: value.cause }
      : value,
  );
