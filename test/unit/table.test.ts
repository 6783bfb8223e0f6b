import fc from "fast-check";
import * as v from "valibot";
import { tableDefinition } from "../../local/resources.ts";
import { AppId, RunId, type RunKey, TenantId } from "../../shared/contract/identifiers.ts";
import { Instant } from "../../shared/contract/instant.ts";
import {
  AFTER_ALL_FAILURES,
  BEFORE_ALL_FAILURES,
  CLAIM_RANGE,
  claimSortKey,
  credentialKey,
  digestOfCredential,
  digestOfListing,
  entryRange,
  entrySortKey,
  failedNodeOf,
  failureKey,
  failurePartition,
  failureSortKey,
  graphKey,
  headerKey,
  type ItemKey,
  keyListingKey,
  keyListingRange,
  kindOf,
  listPartition,
  listSortKey,
  parentPartition,
  quarantineKey,
  registryKey,
  registryRange,
  runOf,
  runPartition,
  statusPartition,
  TABLE,
  TENANT_LISTING_PARTITION,
  tenantKey,
  tenantListingKey,
  ulidOf,
} from "../../shared/dynamodb/table.ts";
import { runKey } from "../support/service.ts";

/** Ids full of what keys are made of. */
const id = fc
  .string({
    unit: fc.constantFrom("A", "R", "L", "C", "G", "RUN", "REG", "T", "a", "0", "1", ".", "_", ":", "-"),
    minLength: 1,
  })
  .map((text) => text.slice(0, 128));
const tenantId = id.map((text) => v.parse(TenantId, text));
const appId = id.map((text) => v.parse(AppId, text));
const run = fc.tuple(id, id).map(([tenant, name]): RunKey => runKey(tenant, name));
const epoch = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const ulid = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
const instant = fc
  .tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 999_999 }))
  .map(([ms, digits]) =>
    v.parse(Instant, `${new Date(ms).toISOString().slice(0, 23)}${String(digits).padStart(6, "0")}Z`),
  );

const sign = (order: number | bigint): number => (order < 0 ? -1 : order > 0 ? 1 : 0);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe("a run's partition", () => {
  it("tells the run again", () => {
    fc.assert(
      fc.property(run, (key) => {
        expect(runOf(runPartition(key))).toEqual(key);
      }),
    );
  });

  it.each(["", "T#demo#R", "T#demo#R#", "T##R#run-1", "T#demo#A#shop", "T#demo#R#run-1#0", "K#demo#R#run-1"])(
    "is told from another's: %s",
    (partition) => {
      expect(() => runOf(partition)).toThrow();
    },
  );
});

describe("a sort key's order as text is its order as value", () => {
  it("for epochs, to the greatest", () => {
    fc.assert(
      fc.property(epoch, epoch, (a, b) => {
        expect(compare(claimSortKey(a), claimSortKey(b))).toBe(sign(a - b));
      }),
    );
    expect(compare(claimSortKey(9), claimSortKey(10))).toBe(-1);
    expect(compare(claimSortKey(Number.MAX_SAFE_INTEGER - 1), claimSortKey(Number.MAX_SAFE_INTEGER))).toBe(-1);
  });

  it("for instants, then run ids", () => {
    fc.assert(
      fc.property(instant, instant, id, id, (a, b, one, other) => {
        const byValue = compare(a, b) || compare(one, other);
        expect(compare(listSortKey(a, one), listSortKey(b, other))).toBe(byValue);
      }),
    );
  });

  it("for failures: instants, then run ids, then node execution ids; a moment stands before what happened in it", () => {
    const failure = fc.record({ finishedAt: instant, runId: id, nodeExecutionId: id });
    fc.assert(
      fc.property(failure, failure, (a, b) => {
        const byValue =
          compare(a.finishedAt, b.finishedAt) ||
          compare(a.runId, b.runId) ||
          compare(a.nodeExecutionId, b.nodeExecutionId);
        expect(compare(failureSortKey(a), failureSortKey(b))).toBe(byValue);
        expect(compare(a.finishedAt, failureSortKey(b))).toBe(a.finishedAt <= b.finishedAt ? -1 : 1);
        expect(compare(BEFORE_ALL_FAILURES, failureSortKey(a))).toBe(-1);
        expect(compare(failureSortKey(a), AFTER_ALL_FAILURES)).toBe(-1);
      }),
    );
  });

  it("for entries by their receipt", () => {
    fc.assert(
      fc.property(ulid, ulid, (a, b) => {
        expect(compare(entrySortKey(a), entrySortKey(b))).toBe(compare(a, b));
        expect(ulidOf(entrySortKey(a))).toBe(a);
      }),
    );
  });

  it("for refused messages by time", () => {
    const sentAt = instant.map((one) => `${one.slice(0, 23)}Z`);
    fc.assert(
      fc.property(sentAt, sentAt, (a, b) => {
        const key = (time: string) => quarantineKey(undefined, { sentAt: time, message: "m#000000" }).sk;
        expect(compare(key(a), key(b))).toBe(compare(a, b));
      }),
    );
  });
});

describe("a run's partition", () => {
  it("holds claims, failures, entries and header in that order, each of its kind", () => {
    fc.assert(
      fc.property(run, epoch, ulid, id, (key, number, entry, node) => {
        const { pk, sk } = failureKey(key, node);
        const sorted = [headerKey(key).sk, entrySortKey(entry), claimSortKey(number), sk].sort();
        expect(sorted.map(kindOf)).toEqual(["claim", "failure", "entry", "header"]);
        expect([pk, failedNodeOf(sk)]).toEqual([runPartition(key), node]);
        expect(headerKey(key).pk).toBe(runPartition(key));
      }),
    );
  });

  it("has every claim, and nothing else, in the range of claims", () => {
    fc.assert(
      fc.property(run, epoch, ulid, (key, number, entry) => {
        const isWithin = (sk: string) => CLAIM_RANGE.from <= sk && sk <= CLAIM_RANGE.to;
        expect([claimSortKey(number), entrySortKey(entry), headerKey(key).sk].map(isWithin)).toEqual([
          true,
          false,
          false,
        ]);
      }),
    );
  });

  it("has the entries from one on, that one too, and nothing else, in the range from it", () => {
    fc.assert(
      fc.property(run, epoch, ulid, ulid, (key, number, first, entry) => {
        const { from, to } = entryRange(first);
        const isWithin = (sk: string) => from <= sk && sk <= to;
        expect(isWithin(entrySortKey(first))).toBe(true);
        expect(isWithin(entrySortKey(entry))).toBe(entry >= first);
        expect([claimSortKey(number), headerKey(key).sk].map(isWithin)).toEqual([false, false]);
      }),
    );
  });
});

/** Every item that is kept under a tenant's name, as `<what> <key>`. */
const itemsOf = (of: { tenantId: TenantId; one: string; other: string }): [what: string, key: ItemKey][] => {
  const { tenantId: owner, one, other } = of;
  const key = runKey(owner, one);
  return [
    [`header of ${one}`, headerKey(key)],
    [`claim of ${one}`, { pk: runPartition(key), sk: claimSortKey(2) }],
    [`failure of ${other} in ${one}`, failureKey(key, other)],
    [
      `graph of ${one} ${other}`,
      graphKey({ tenantId: owner, appId: v.parse(AppId, one), digest: other, month: "202611" }),
    ],
    [`registration of ${one}`, registryKey(owner, v.parse(AppId, one))],
    ["registration of no app", registryKey(owner, undefined)],
    [`listing of key ${one}`, keyListingKey(owner, one)],
    ["tenant", tenantKey(owner)],
    ["listing of tenant", tenantListingKey(owner)],
    [`refusal at ${one} of ${other}`, quarantineKey(owner, { sentAt: one, message: other })],
  ];
};

describe("an id cannot reach into another's keys", () => {
  it("among items of the table", () => {
    const owned = fc.record({ tenantId, one: id, other: id });
    fc.assert(
      fc.property(owned, owned, (a, b) => {
        for (const [what, key] of itemsOf(a)) {
          for (const [otherWhat, otherKey] of itemsOf(b)) {
            const isSame = a.tenantId === b.tenantId && what === otherWhat;
            expect(`${key.pk}\n${key.sk}` === `${otherKey.pk}\n${otherKey.sk}`).toBe(isSame);
          }
        }
      }),
    );
  });

  it("among what the authorizer may read of tenants: partitions of nothing else begin as theirs do", () => {
    fc.assert(
      fc.property(tenantId, id, id, (owner, one, other) => {
        for (const [what, { pk }] of itemsOf({ tenantId: owner, one, other })) {
          expect(pk.startsWith("TENANT#")).toBe(what === "tenant");
        }
      }),
    );
  });

  it("among partitions of runs: each has its own, and no other item's", () => {
    fc.assert(
      fc.property(run, run, (a, b) => {
        const isSame = a.tenantId === b.tenantId && a.runId === b.runId;
        expect(runPartition(a) === runPartition(b)).toBe(isSame);
        expect(parentPartition(a) === parentPartition(b)).toBe(isSame);
        for (const [what, { pk }] of itemsOf({ tenantId: b.tenantId, one: b.runId, other: "x" })) {
          if (!/^(header|claim|failure)/.test(what)) expect(pk).not.toBe(runPartition(a));
        }
      }),
    );
  });

  it("among lists of apps and statuses, the app that nobody knows among them", () => {
    const list = fc.record({ tenantId, appId: fc.option(appId, { nil: undefined }), shard: fc.nat({ max: 20 }) });
    const status = fc.constantFrom("running", "failed", "partial-succeeded");
    fc.assert(
      fc.property(list, list, status, status, (a, b, one, other) => {
        const isSameList = a.tenantId === b.tenantId && a.appId === b.appId && a.shard === b.shard;
        const partition = ({ tenantId: owner, appId: app, shard }: typeof a, of: string) =>
          statusPartition(owner, app, { status: of, shard });

        expect(listPartition(a.tenantId, a.appId, a.shard) === listPartition(b.tenantId, b.appId, b.shard)).toBe(
          isSameList,
        );
        expect(partition(a, one) === partition(b, other)).toBe(isSameList && one === other);
        if (a.appId === undefined || b.appId === undefined) return;
        const failures = failurePartition(a.tenantId, a.appId, a.shard);
        expect(failures === failurePartition(b.tenantId, b.appId, b.shard)).toBe(isSameList);
        expect(failures).not.toBe(partition(b, other));
      }),
    );
  });

  it("among a tenant's registered apps: the range of a tenant holds its own and no other's", () => {
    fc.assert(
      fc.property(tenantId, tenantId, appId, (a, b, app) => {
        const { pk, prefix } = registryRange(a);
        const key = registryKey(b, app);
        expect(key.pk).toBe(pk);
        expect(prefix <= key.sk && key.sk <= `${prefix}~`).toBe(a === b);
      }),
    );
  });

  it("among a tenant's listed keys: the range of a tenant holds its own and no other's, everybody's all", () => {
    fc.assert(
      fc.property(tenantId, tenantId, id, (a, b, digest) => {
        const key = keyListingKey(b, digest);
        const isListed = ({ pk, prefix }: { pk: string; prefix: string }) => pk === key.pk && key.sk.startsWith(prefix);

        expect(isListed(keyListingRange(a))).toBe(a === b);
        expect(isListed(keyListingRange(undefined))).toBe(true);
        expect(digestOfListing(key.sk)).toBe(digest);
        expect(tenantListingKey(a).pk).toBe(TENANT_LISTING_PARTITION);
      }),
    );
  });

  it("among refusals: the operator's are no tenant's", () => {
    fc.assert(
      fc.property(tenantId, (owner) => {
        const position = { sentAt: "t", message: "m" };
        expect(quarantineKey(owner, position).pk).not.toBe(quarantineKey(undefined, position).pk);
      }),
    );
  });

  it("among credentials, which are known by their hash alone", () => {
    expect(credentialKey("ab")).toEqual({ pk: "K#ab", sk: "KEY" });
    expect(credentialKey("ab").pk).not.toBe(credentialKey("abc").pk);
    expect(digestOfCredential(credentialKey("ab").pk)).toBe("ab");
  });

  it("because no id holds what keys are joined by", () => {
    for (const Id of [RunId, AppId, TenantId]) expect(v.safeParse(Id, "a#b").success).toBe(false);
  });
});

describe("the embedded stack's table", () => {
  const definition = tableDefinition("runstone");

  it("is the table of the design: keys, indexes and what they show", () => {
    const keySchema = (key: { partitionKey: string; sortKey: string }) => [
      { AttributeName: key.partitionKey, KeyType: "HASH" },
      { AttributeName: key.sortKey, KeyType: "RANGE" },
    ];

    expect(definition.TableName).toBe("runstone");
    expect(definition.KeySchema).toEqual(keySchema(TABLE));
    expect(definition.GlobalSecondaryIndexes).toEqual(
      TABLE.indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: keySchema(index),
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: [...index.projection] },
      })),
    );
  });

  it("defines every key attribute once, and no other", () => {
    const keys = [TABLE, ...TABLE.indexes].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]);

    const defined = definition.AttributeDefinitions?.map(({ AttributeName }) => AttributeName);
    expect(defined?.toSorted()).toEqual([...new Set(keys)].sort());
    expect(definition.AttributeDefinitions?.every(({ AttributeType }) => AttributeType === "S")).toBe(true);
  });

  it("is paid by the request", () => {
    expect(definition).toMatchObject({ BillingMode: "PAY_PER_REQUEST" });
  });
});
