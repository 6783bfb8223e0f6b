import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoCredentialStore } from "../../shared/dynamodb/dynamo-credential-store.ts";
import { dynamoTenantStore } from "../../shared/dynamodb/dynamo-tenant-store.ts";
import { credentialKey, keyListingKey } from "../../shared/dynamodb/table.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { credentialStoreContract } from "./credential-store.ts";
import { clientOf, startTables, type Tables } from "./dynamo-tables.ts";
import { tenantStoreContract } from "./tenant-store.ts";

credentialStoreContract("DynamoDB", async () => {
  const { table, dead, stop } = await startTables();
  return { store: dynamoCredentialStore(table), broken: dynamoCredentialStore(dead), stop };
});

tenantStoreContract("DynamoDB", async () => {
  const { table, dead, stop } = await startTables();
  return { store: dynamoTenantStore(table), broken: dynamoTenantStore(dead), stop };
});

describe("credentials in DynamoDB", () => {
  const acme = v.parse(TenantId, "acme");
  const digest = (letter: string) => letter.repeat(64);
  let tables: Tables;
  const put = (Item: Record<string, unknown>) =>
    tables.table.client.send(new PutCommand({ TableName: tables.table.name, Item }));

  beforeEach(async () => {
    tables = await startTables();
  });
  afterEach(() => tables.stop());

  /** As the first version wrote it: no time of creation, a revocation without a time, no listing. */
  const firstVersion = { tenant: "acme", scopes: ["read"], name: "old" };

  it("are read as the first version wrote them, and count as the oldest there are", async () => {
    await put({ ...credentialKey(digest("a")), ...firstVersion, valid_until: 5, is_revoked: false });
    await put({ ...credentialKey(digest("b")), ...firstVersion, is_revoked: true });
    const store = dynamoCredentialStore(tables.table);

    const old = { tenantId: "acme", scopes: ["read"], name: "old", createdAt: 0, lastUsedOn: undefined };
    expect(await store.find(digest("a"))).toEqual({
      ...old,
      sha256: digest("a"),
      expiresAt: 5,
      revokedAt: undefined,
    });
    expect(await store.find(digest("b"))).toMatchObject({ ...old, revokedAt: 0 });
  });

  it("of the first version are listed once they are let in again", async () => {
    await put({ ...credentialKey(digest("a")), ...firstVersion, is_revoked: false });
    const store = dynamoCredentialStore(tables.table);

    await store.put(digest("a"), {
      tenantId: acme,
      scopes: ["read"],
      name: "new",
      createdAt: 9,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedOn: undefined,
    });

    expect(await store.list(acme)).toMatchObject([{ name: "old", createdAt: 0 }]);
  });

  it("are listed before they are good, so that a key that lives is always listed", async () => {
    const failing = tableOf(new DynamoDBClient(clientOf(testEndpoints().dynamodb)), tables.table.name);
    let writes = 0;
    failing.client.middlewareStack.add(
      (next) => async (args) => {
        writes += 1;
        if (writes > 1) throw new Error("the process ends here");
        return next(args);
      },
      { step: "initialize" },
    );
    const credential = { tenantId: acme, scopes: [], name: "", createdAt: 9, expiresAt: undefined };

    const put = dynamoCredentialStore(failing).put(digest("a"), {
      ...credential,
      revokedAt: undefined,
      lastUsedOn: undefined,
    });

    await expect(put).rejects.toThrow();
    const { Item } = await tables.table.client.send(
      new GetCommand({ TableName: tables.table.name, Key: keyListingKey(acme, digest("a")) }),
    );
    expect(Item).toEqual(keyListingKey(acme, digest("a")));
    expect(await dynamoCredentialStore(tables.table).find(digest("a"))).toBeUndefined();
  });

  it("that were listed and never written are not listed", async () => {
    await put({ ...keyListingKey(acme, digest("a")) });

    expect(await dynamoCredentialStore(tables.table).list(acme)).toEqual([]);
  });
});
