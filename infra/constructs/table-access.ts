import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { EXPORT_DAYS, QUARANTINE_DAYS, UPLOAD_DAYS } from "../../shared/domain/retention.ts";
import { lifetimePrefix } from "../../shared/dynamodb/object-keys.ts";
import { OPERATOR_QUARANTINE, TABLE } from "../../shared/dynamodb/table.ts";
import { acknowledgeObjects } from "./acknowledge-wildcards.ts";
import type { LedgerFunction } from "./ledger-function.ts";

/** Where the ledger is kept. */
export interface LedgerStorage {
  readonly table: Table;
  readonly payloads: Bucket;
}

const READS = ["dynamodb:GetItem", "dynamodb:Query"] as const;
const WRITES = ["dynamodb:PutItem", "dynamodb:UpdateItem"] as const;

const indexArns = (table: Table): string[] => TABLE.indexes.map((index) => `${table.tableArn}/index/${index.name}`);

/** What begins the partition keys of tenants' runs and quarantine, and the registry of their apps. */
const TENANT_DATA = ["T#*", "REG"] as const;

/** Allows actions on items whose partition keys begin so: keys of credentials, for one, are not among them. */
const allowItems = (
  to: LedgerFunction,
  arns: readonly string[],
  of: { readonly actions: readonly string[]; readonly partitions: readonly string[] },
): void => to.allow(of.actions, arns, { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [...of.partitions] } });

const allowObjects = (to: LedgerFunction, payloads: Bucket, actions: readonly string[]): void => {
  to.allow(actions, [payloads.arnForObjects("*")]);
  // Without it S3 answers 403 for an object that is not there, which could not be told from a fault.
  to.allow(["s3:ListBucket"], [payloads.bucketArn]);
  const reason = "The bucket holds the objects of all runs, and a key for each is made as it is written.";
  acknowledgeObjects(to, payloads, { keys: "*", reason });
};

/** What begins the partition keys of runs. */
const RUNS = ["T#*#R#*"] as const;

/** What begins the partition keys of statistics. */
const STATISTICS = ["T#*#S#*"] as const;

/** Lets a function remove what belongs to runs: all of a run that is deleted, and what comes for it afterwards. */
const allowRemoval = (to: LedgerFunction, { table, payloads }: LedgerStorage): void => {
  allowItems(to, [table.tableArn], { actions: ["dynamodb:BatchWriteItem"], partitions: RUNS });
  for (const keys of ["*/runs/*", `${lifetimePrefix(UPLOAD_DAYS)}uploads/*`]) {
    to.allow(["s3:DeleteObject"], [payloads.arnForObjects(keys)]);
    const reason =
      "The objects of a deleted run go, of whatever lifetime they are, with the uploads they are copies of.";
    acknowledgeObjects(to, payloads, { keys, reason });
  }
};

/** Lets a function record runs: read and write items and objects, without indexes; remove nothing but what is of runs. */
export const allowRecording = (to: LedgerFunction, storage: LedgerStorage): void => {
  const { table, payloads } = storage;
  allowItems(to, [table.tableArn], { actions: [...READS, ...WRITES], partitions: TENANT_DATA });
  allowObjects(to, payloads, ["s3:GetObject", "s3:PutObject"]);
  allowRemoval(to, storage);
};

/** Lets a function keep what names no tenant, for the operator's eyes. */
export const allowOperatorQuarantine = (to: LedgerFunction, { table }: Pick<LedgerStorage, "table">): void =>
  allowItems(to, [table.tableArn], { actions: ["dynamodb:PutItem"], partitions: [OPERATOR_QUARANTINE] });

/** Lets a function answer questions: read items, indexes and objects. */
export const allowReading = (to: LedgerFunction, { table, payloads }: LedgerStorage): void => {
  allowItems(to, [table.tableArn, ...indexArns(table)], { actions: READS, partitions: TENANT_DATA });
  allowObjects(to, payloads, ["s3:GetObject"]);
};

/** Lets a function record runs and take what is done with out of quarantine. */
export const allowRedriving = (to: LedgerFunction, storage: LedgerStorage): void => {
  const { table, payloads } = storage;
  allowRecording(to, storage);
  allowItems(to, [table.tableArn], { actions: ["dynamodb:DeleteItem"], partitions: ["T#*#Q"] });
  const bodies = `${lifetimePrefix(QUARANTINE_DAYS)}quarantine/*`;
  to.allow(["s3:DeleteObject"], [payloads.arnForObjects(bodies)]);
  acknowledgeObjects(to, payloads, { keys: bodies, reason: "What was redriven leaves the quarantine of any tenant." });
};

/** Lets a function find runs by the indexes. */
export const allowFinding = (to: LedgerFunction, { table }: Pick<LedgerStorage, "table">): void =>
  allowItems(to, indexArns(table), { actions: ["dynamodb:Query"], partitions: TENANT_DATA });

/** Lets a function work on jobs: find and read runs, delete them with a note of it, and write files of exports. */
export const allowJobs = (to: LedgerFunction, storage: LedgerStorage): void => {
  const { table, payloads } = storage;
  allowReading(to, storage);
  // A tombstone, how far a job has come, and an entry of the audit log.
  const partitions = [...RUNS, "T#*#J", "T#*#AUDIT"];
  allowItems(to, [table.tableArn], { actions: ["dynamodb:PutItem"], partitions });
  allowRemoval(to, storage);
  const files = `${lifetimePrefix(EXPORT_DAYS)}exports/*`;
  to.allow(["s3:PutObject"], [payloads.arnForObjects(files)]);
  acknowledgeObjects(to, payloads, { keys: files, reason: "An export makes a key for each of its files." });
};

/** Lets a function look after the runs of all tenants: find them, record their loss, move what is kept of them, count. */
export const allowUpkeep = (to: LedgerFunction, storage: LedgerStorage): void => {
  allowRecording(to, storage);
  allowFinding(to, storage);
  // A quarter that was summed up loses its mark.
  allowItems(to, [storage.table.tableArn], { actions: ["dynamodb:DeleteItem"], partitions: STATISTICS });
};

/** Lets a function follow runs: read them, count them, and write and remove the rows of their failures. */
export const allowProjecting = (to: LedgerFunction, { table, payloads }: LedgerStorage): void => {
  const partitions = [...RUNS, ...STATISTICS];
  allowItems(to, [table.tableArn], { actions: [...READS, "dynamodb:PutItem"], partitions });
  allowItems(to, [table.tableArn], { actions: ["dynamodb:DeleteItem"], partitions: RUNS });
  allowObjects(to, payloads, ["s3:GetObject"]);
};

/** Lets a function look up credentials, and note when a key was used: no other item of the table. */
export const allowCredentials = (to: LedgerFunction, { table }: Pick<LedgerStorage, "table">): void =>
  allowItems(to, [table.tableArn], { actions: ["dynamodb:GetItem", "dynamodb:UpdateItem"], partitions: ["K#*"] });

/** Lets a function look up by what a tenant's requests are counted. */
export const allowTenants = (to: LedgerFunction, { table }: Pick<LedgerStorage, "table">): void =>
  allowItems(to, [table.tableArn], { actions: ["dynamodb:GetItem"], partitions: ["TENANT#*"] });
