import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import type { UpkeepStore } from "../ports/upkeep-store.ts";
import { sending, sendingIf, type Table } from "./document-client.ts";
import { registryKey, registryPlaceOf, UPKEEP_POSITION_KEY } from "./table.ts";
import { writeUpkeep } from "./upkeep-item.ts";

/** Only of an app that is registered, and that nobody has visited so far. */
const IS_NEVER_VISITED = "attribute_exists(pk) AND attribute_not_exists(upkeep_rev)";
/** Nobody else has visited the app since. */
const IS_UNCHANGED = "upkeep_rev = :rev";

const PositionItem = v.object({ app: v.optional(v.string()) });

/** What upkeep remembers in DynamoDB: of an app beside its registration, so that reading one reads the other. */
export const dynamoUpkeepStore = (table: Table): UpkeepStore => ({
  keep: ({ tenantId, appId }, upkeep, rev) =>
    sendingIf("UpdateItem", () =>
      table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: registryKey(tenantId, appId),
          UpdateExpression: "SET upkeep = :upkeep, upkeep_rev = :next",
          ConditionExpression: rev === 0 ? IS_NEVER_VISITED : IS_UNCHANGED,
          ExpressionAttributeValues: {
            ":upkeep": writeUpkeep(upkeep),
            ":next": rev + 1,
            ...(rev === 0 ? {} : { ":rev": rev }),
          },
        }),
      ),
    ),

  position: () =>
    sending("GetItem", async () => {
      const command = new GetCommand({ TableName: table.name, Key: UPKEEP_POSITION_KEY, ConsistentRead: true });
      const { Item } = await table.client.send(command);
      const { app } = v.parse(PositionItem, Item ?? {});
      return app === undefined ? undefined : registryPlaceOf(app);
    }),

  keepPosition: async (position) => {
    const app = position && registryKey(position.tenantId, position.appId).sk;
    const command = new PutCommand({ TableName: table.name, Item: { ...UPKEEP_POSITION_KEY, app } });
    await sending("PutItem", () => table.client.send(command));
  },
});
