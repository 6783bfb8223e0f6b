import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { TABLE } from "../../shared/dynamodb/table.ts";
import { acknowledgeAnyObject } from "./acknowledge-wildcards.ts";
import type { LedgerFunction } from "./ledger-function.ts";

/** Where the ledger is kept. */
export interface LedgerStorage {
  readonly table: Table;
  readonly payloads: Bucket;
}

const READS = ["dynamodb:GetItem", "dynamodb:Query"] as const;
const WRITES = ["dynamodb:PutItem", "dynamodb:UpdateItem"] as const;

const indexArns = (table: Table): string[] => TABLE.indexes.map((index) => `${table.tableArn}/index/${index.name}`);

const allowObjects = (to: LedgerFunction, payloads: Bucket, actions: readonly string[]): void => {
  to.allow(actions, [payloads.arnForObjects("*")]);
  // Without it S3 answers 403 for an object that is not there, which could not be told from a fault.
  to.allow(["s3:ListBucket"], [payloads.bucketArn]);
  acknowledgeAnyObject(
    to,
    payloads,
    "The bucket holds the objects of all runs, and a key for each is made as it is written.",
  );
};

/** Lets a function record runs: read and write items and objects, without indexes and without deletion. */
export const allowRecording = (to: LedgerFunction, { table, payloads }: LedgerStorage): void => {
  to.allow([...READS, ...WRITES], [table.tableArn]);
  allowObjects(to, payloads, ["s3:GetObject", "s3:PutObject"]);
};

/** Lets a function answer questions: read items, indexes and objects. */
export const allowReading = (to: LedgerFunction, { table, payloads }: LedgerStorage): void => {
  to.allow(READS, [table.tableArn, ...indexArns(table)]);
  allowObjects(to, payloads, ["s3:GetObject"]);
};

/** Lets a function record runs and take what is done with out of quarantine. */
export const allowRedriving = (to: LedgerFunction, { table, payloads }: LedgerStorage): void => {
  to.allow([...READS, ...WRITES, "dynamodb:DeleteItem"], [table.tableArn]);
  allowObjects(to, payloads, ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]);
};

/** Lets a function look up credentials and tenants, and note when a key was used: no other item of the table. */
export const allowCredentials = (to: LedgerFunction, { table }: Pick<LedgerStorage, "table">): void => {
  const keys = { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["K#*"] } };
  const tenants = { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["K#*", "T#*"] } };
  to.allow(["dynamodb:GetItem"], [table.tableArn], tenants);
  to.allow(["dynamodb:UpdateItem"], [table.tableArn], keys);
};
