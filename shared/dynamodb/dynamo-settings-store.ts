import { randomBytes } from "node:crypto";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { AppSettingsBody } from "../contract/app-settings.ts";
import { AppId, type TenantId } from "../contract/identifiers.ts";
import { type AppSettings, pastRetentions, type TenantSettings } from "../domain/app-settings.ts";
import type { Clock } from "../ports/clock.ts";
import { SETTINGS_LAG_MS, type SettingsStore } from "../ports/settings-store.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import { jsonAttribute } from "./json-attribute.ts";
import { redactionSecretKey, secretAmongSettingsKey, settingsKey, settingsPartition } from "./table.ts";

/** Somebody else has changed the settings since they were read. */
const IS_UNCHANGED = "version = :version";
const IS_ABSENT = "attribute_not_exists(pk)";

/** How long a process goes by what it read: the rest of the lag is for reads that are a moment behind, at half the price. */
const REMEMBERED_MS = SETTINGS_LAG_MS - 1_000;

/** How many tenants a process remembers the settings of, and the secrets. */
const MOST_REMEMBERED = 1_000;

const SECRET_BYTES = 32;

const SettingsItem = v.object({
  sk: AppId,
  version: v.number(),
  updated_at: v.number(),
  read_shards: v.number(),
  settings: jsonAttribute(AppSettingsBody),
  past: v.optional(
    jsonAttribute(v.array(v.object({ retention_days: AppSettingsBody.entries.retention_days, until: v.number() }))),
    "[]",
  ),
});
const SecretItem = v.object({ secret: v.string() });

const settingsFrom = (item: Record<string, unknown>): { appId: AppId; settings: AppSettings } => {
  const { sk, version, updated_at, read_shards, settings, past } = v.parse(SettingsItem, item);
  return { appId: sk, settings: { ...settings, version, updatedAt: updated_at, readShards: read_shards, past } };
};

/**
 * Settings in DynamoDB, those of a tenant in one partition. `find` and `secretOf` are strongly consistent; `ofTenant`
 * answers from memory most of the time, and forgets what it knows where this process puts settings. A process reads a
 * secret once.
 */
export const dynamoSettingsStore = (table: Table, clock: Clock): SettingsStore => {
  const remembered = new Map<TenantId, { readonly readAt: number; readonly settings: Promise<TenantSettings> }>();
  const secrets = new Map<TenantId, string>();

  const readTenant = async (tenantId: TenantId): Promise<TenantSettings> => {
    const apps = new Map<AppId, AppSettings>();
    const items = query(table, {
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": settingsPartition(tenantId) },
      ConsistentRead: false,
    });
    for await (const item of items) {
      if (!v.is(AppId, item["sk"])) continue;
      const { appId, settings } = settingsFrom(item);
      apps.set(appId, settings);
    }
    return { apps };
  };

  const find = (tenantId: TenantId, appId: AppId): Promise<AppSettings | undefined> =>
    sending("GetItem", async () => {
      const Key = settingsKey(tenantId, appId);
      const { Item } = await table.client.send(new GetCommand({ TableName: table.name, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : settingsFrom(Item).settings;
    });

  /** By a query: who records may query settings, and not get one of them. Nobody writes this item, or removes it. */
  const secretAmongSettings = async (tenantId: TenantId): Promise<string | undefined> => {
    const { pk, sk } = secretAmongSettingsKey(tenantId);
    const [item] = await Array.fromAsync(
      query(table, {
        KeyConditionExpression: "pk = :pk AND sk = :sk",
        ExpressionAttributeValues: { ":pk": pk, ":sk": sk },
      }),
    );
    return item && v.parse(SecretItem, item).secret;
  };

  const findSecret = async (tenantId: TenantId): Promise<string | undefined> => {
    const item = await sending("GetItem", async () => {
      const Key = redactionSecretKey(tenantId);
      return (await table.client.send(new GetCommand({ TableName: table.name, Key, ConsistentRead: true }))).Item;
    });
    return item === undefined ? secretAmongSettings(tenantId) : v.parse(SecretItem, item).secret;
  };

  /** Before the first settings of the tenant: whoever redacts finds it. One among settings is copied. */
  const makeSecret = async (tenantId: TenantId): Promise<void> => {
    const secret = (await secretAmongSettings(tenantId)) ?? randomBytes(SECRET_BYTES).toString("base64url");
    const Item = { ...redactionSecretKey(tenantId), secret };
    await sendingIf("PutItem", () =>
      table.client.send(new PutCommand({ TableName: table.name, Item, ConditionExpression: IS_ABSENT })),
    );
  };

  return {
    ofTenant: (tenantId) => {
      const now = clock.now();
      const known = remembered.get(tenantId);
      if (known !== undefined && Math.abs(now - known.readAt) < REMEMBERED_MS) return known.settings;
      const settings = readTenant(tenantId);
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.set(tenantId, { readAt: now, settings });
      // A failure is not remembered: the next request reads again.
      settings.catch(() => remembered.delete(tenantId));
      return settings;
    },

    secretOf: async (tenantId) => {
      const known = secrets.get(tenantId);
      if (known !== undefined) return known;
      const secret = await findSecret(tenantId);
      if (secret === undefined) return undefined;
      if (secrets.size >= MOST_REMEMBERED) secrets.clear();
      secrets.set(tenantId, secret);
      return secret;
    },

    find,

    put: async ({ tenantId, appId }, body, { version, updatedAt }) => {
      await makeSecret(tenantId);
      const present = version === 0 ? undefined : await find(tenantId, appId);
      const settings: AppSettings = {
        ...body,
        version: version + 1,
        updatedAt,
        readShards: Math.max(body.write_shards, present?.readShards ?? 1),
        past: pastRetentions(present, body, updatedAt),
      };
      const isWritten = await sendingIf("PutItem", () =>
        table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: {
              ...settingsKey(tenantId, appId),
              version: settings.version,
              updated_at: settings.updatedAt,
              read_shards: settings.readShards,
              settings: JSON.stringify(body),
              past: settings.past.length === 0 ? undefined : JSON.stringify(settings.past),
            },
            ConditionExpression: version === 0 ? IS_ABSENT : IS_UNCHANGED,
            ...(version === 0 ? {} : { ExpressionAttributeValues: { ":version": version } }),
          }),
        ),
      );
      remembered.delete(tenantId);
      return isWritten ? settings : undefined;
    },
  };
};
