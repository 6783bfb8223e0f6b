import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { StoreFault } from "../ports/store-fault.ts";

/** The client and the table that every store of this folder works on. */
export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

/** A table behind a client; values that are undefined are left out of items. */
export const tableOf = (client: DynamoDBClient, name: string): Table => ({
  client: DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
  name,
});

/** A request that can never succeed as it is; anything else may on another try. */
const isFinal = (error: unknown): boolean =>
  error instanceof Error && ["ValidationException", "ItemCollectionSizeLimitExceededException"].includes(error.name);

/** Sends, and throws what the SDK throws as a StoreFault. Its message names the operation, never a value. */
export const sending = async <T>(operation: string, send: () => Promise<T>): Promise<T> => {
  try {
    return await send();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.name : "unknown";
    throw new StoreFault(`DynamoDB ${operation} failed: ${reason}`, { cause, isRetryable: !isFinal(cause) });
  }
};

/** As {@link sending} for a conditional write: false where the condition does not hold. */
export const sendingIf = (operation: string, send: () => Promise<unknown>): Promise<boolean> =>
  sending(operation, async () => {
    try {
      await send();
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  });

/** Every item of a query, page after page, strongly consistent where not asked otherwise. */
export async function* query(
  table: Table,
  input: Omit<QueryCommandInput, "TableName">,
): AsyncGenerator<Record<string, unknown>> {
  let start: QueryCommandInput["ExclusiveStartKey"];
  do {
    const command = new QueryCommand({
      ConsistentRead: true,
      ...input,
      TableName: table.name,
      ExclusiveStartKey: start,
    });
    const page = await sending("Query", () => table.client.send(command));
    yield* page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}
