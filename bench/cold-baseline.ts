/** The least that a function on DynamoDB has in it: what the loading of `ingest` is measured by. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import middy from "@middy/core";

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));

/** Puts an item. */
export const handler = middy().handler(async () => {
  const Item = { pk: "baseline", sk: "baseline" };
  await client.send(new PutCommand({ TableName: process.env["TABLE_NAME"], Item }));
});
