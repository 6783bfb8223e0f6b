import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as v from "valibot";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoCredentialStore } from "../../shared/dynamodb/dynamo-credential-store.ts";
import { jsonLog } from "../../shared/lambda/log.ts";
import { readEnvironment, setVariable } from "../../shared/lambda/read-environment.ts";
import { sdkRequests } from "../../shared/lambda/sdk-requests.ts";
import { systemClock } from "../../shared/lambda/system-clock.ts";
import { authorizeFunction } from "./authorize.ts";
import { authorizeSettings } from "./authorize-settings.ts";

const { TABLE_NAME } = readEnvironment(v.object({ TABLE_NAME: setVariable("TABLE_NAME") }), process.env);

/** Two tries: who asks waits for the answer, and may ask again. */
const client = new DynamoDBClient({ ...sdkRequests(), maxAttempts: 2 });
const table = tableOf(client, TABLE_NAME);

/** What Lambda runs: API Gateway's request authorizer. It stands on less than the other functions, so it starts sooner. */
export const handler = authorizeFunction(
  { credentials: dynamoCredentialStore(table), clock: systemClock, log: jsonLog },
  authorizeSettings(process.env, table),
);
