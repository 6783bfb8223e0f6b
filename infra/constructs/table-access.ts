import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import {
  INDEX_PARTITIONS,
  type ItemKind,
  OBJECT_PATTERNS,
  type ObjectKind,
  partitionPatterns,
} from "../../shared/dynamodb/key-patterns.ts";
import type { IndexName } from "../../shared/dynamodb/table.ts";
import { acknowledgeObjects } from "./acknowledge-wildcards.ts";
import type { LedgerFunction } from "./ledger-function.ts";

/** Where the ledger is kept. */
export interface LedgerStorage {
  readonly table: Table;
  readonly payloads: Bucket;
}

/** What can be done with items. */
export type ItemAction = "GetItem" | "Query" | "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem";

/** What can be done with objects. A copy gets one and puts another. */
export type ObjectAction = "GetObject" | "PutObject" | "DeleteObject";

/** What a function may do: nothing with a kind that is not named. */
export interface Access {
  readonly items?: Readonly<Partial<Record<ItemKind, readonly ItemAction[]>>>;
  /** The indexes that it queries. */
  readonly indexes?: readonly IndexName[];
  readonly objects?: Readonly<Partial<Record<ObjectKind, readonly ObjectAction[]>>>;
}

/** Kinds that the same is done with. */
const alike = <Kind extends string, Action extends string>(
  of: Readonly<Partial<Record<Kind, readonly Action[]>>>,
): { kinds: Kind[]; actions: readonly Action[] }[] => {
  const entries = Object.entries(of) as [Kind, readonly Action[]][];
  const groups = Map.groupBy(entries, ([, actions]) => actions.join());
  return [...groups.values()].map((group) => ({
    kinds: group.map(([kind]) => kind),
    actions: group[0]?.[1] ?? [],
  }));
};

const allowItems = (to: LedgerFunction, table: Table, items: NonNullable<Access["items"]>): void => {
  for (const { kinds, actions } of alike(items)) {
    const { like, notLike } = partitionPatterns(kinds);
    to.allow(
      actions.map((action) => `dynamodb:${action}`),
      [table.tableArn],
      {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": like },
        ...(notLike.length === 0 ? {} : { "ForAllValues:StringNotLike": { "dynamodb:LeadingKeys": notLike } }),
      },
    );
  }
};

/** The leading key of a query to an index is the index's own. */
const allowIndexes = (to: LedgerFunction, table: Table, indexes: readonly IndexName[]): void => {
  for (const index of indexes) {
    to.allow(["dynamodb:Query"], [`${table.tableArn}/index/${index}`], {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [INDEX_PARTITIONS[index]] },
    });
  }
};

const allowObjects = (to: LedgerFunction, payloads: Bucket, objects: NonNullable<Access["objects"]>): void => {
  for (const { kinds, actions } of alike(objects)) {
    const patterns = kinds.map((kind) => OBJECT_PATTERNS[kind]);
    to.allow(
      actions.map((action) => `s3:${action}`),
      patterns.map((keys) => payloads.arnForObjects(keys)),
    );
    const reason = "A key is made for each object as it is written, of whatever tenant and lifetime it is.";
    for (const keys of patterns) acknowledgeObjects(to, payloads, { keys, reason });
  }
  // Without it S3 answers 403 for an object that is not there, which could not be told from a fault. It cannot be held to
  // some keys: that answer depends on it for a request that names no prefix, and so does a list of everything.
  to.allow(["s3:ListBucket"], [payloads.bucketArn]);
};

/** Allows a function this, and nothing else of what is kept. */
export const allowAccess = (to: LedgerFunction, { table, payloads }: LedgerStorage, access: Access): void => {
  const { items = {}, indexes = [], objects } = access;
  allowItems(to, table, items);
  allowIndexes(to, table, indexes);
  if (objects !== undefined) allowObjects(to, payloads, objects);
};
