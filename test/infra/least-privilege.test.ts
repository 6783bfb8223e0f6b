import { FUNCTIONS, type FunctionName } from "../../build/bundle.ts";
import { grantedTo, isGranted, isLike, type Statement, type Touch } from "../support/granted.ts";
import { INDEX_PARTITIONS_BY_NAME, OBJECTS_BY_KIND, PARTITIONS_BY_KIND } from "../support/kept-kinds.ts";
import { templatesOf } from "./deployed.ts";

const LIMITED = { limits: { plans: { standard: { requestsPerSecond: 1, burst: 1 } } } };
const { ingest, jobs, api, project, upkeep } = templatesOf(LIMITED);
const templates = [ingest, jobs, api, project, upkeep];
const granted = Object.fromEntries(FUNCTIONS.map((name) => [name, grantedTo(name, templates)])) as Record<
  FunctionName,
  Statement[]
>;

const LIKE = "ForAllValues:StringLike";
const ON_ITEMS = ["GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];
const ON_OBJECTS = ["GetObject", "PutObject", "DeleteObject"];

/** All of them or none: a pattern that some keys of a kind are like is one of another kind. */
const allOrNone = (statements: readonly Statement[], touches: readonly Touch[]): boolean => {
  const answers = new Set(touches.map((touch) => isGranted(statements, touch)));
  if (answers.size !== 1) {
    const odd = touches.find((touch) => isGranted(statements, touch));
    throw new Error(`expected all keys of a kind alike, is granted only some: ${JSON.stringify(odd)}`);
  }
  return answers.has(true);
};

type Table = Record<string, string[]>;

/** What may be done with which kind; kinds that nothing may be done with are left out. */
const tableOf = (
  kinds: Readonly<Record<string, readonly string[]>>,
  actions: readonly string[],
  isAllowed: (keys: readonly string[], action: string, kind: string) => boolean,
): Table => {
  const rows = Object.entries(kinds).map(
    ([kind, keys]) => [kind, actions.filter((action) => isAllowed(keys, action, kind))] as const,
  );
  return Object.fromEntries(rows.filter(([, allowed]) => allowed.length > 0));
};

const itemsOf = (name: FunctionName): Table =>
  tableOf(PARTITIONS_BY_KIND, ON_ITEMS, (keys, action) =>
    allOrNone(
      granted[name],
      keys.map((key) => ({ action: `dynamodb:${action}`, resource: "table", leadingKeys: [key] })),
    ),
  );

const indexesOf = (name: FunctionName): Table =>
  tableOf(INDEX_PARTITIONS_BY_NAME, ON_ITEMS, (keys, action, index) =>
    allOrNone(
      granted[name],
      keys.map((key) => ({ action: `dynamodb:${action}`, resource: `table/index/${index}`, leadingKeys: [key] })),
    ),
  );

const objectsOf = (name: FunctionName): Table =>
  tableOf(OBJECTS_BY_KIND, ON_OBJECTS, (keys, action) =>
    allOrNone(
      granted[name],
      keys.map((key) => ({ action: `s3:${action}`, resource: `payloads/${key}` })),
    ),
  );

const RECORD_RUNS = ["GetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"];
const LISTS = { runs_by_time: ["Query"], runs_by_status: ["Query"], runs_by_parent: ["Query"] };

const ITEMS: Record<FunctionName, Table> = {
  authorize: { credentials: ["GetItem", "UpdateItem"], tenants: ["GetItem"] },
  ingest: {
    runs: RECORD_RUNS,
    graphs: ["GetItem", "PutItem"],
    registry: ["PutItem"],
    settings: ["Query"],
    secrets: ["GetItem"],
  },
  consume: {
    runs: RECORD_RUNS,
    graphs: ["GetItem", "PutItem"],
    registry: ["PutItem"],
    settings: ["Query"],
    secrets: ["GetItem"],
    quarantine: ["PutItem"],
    "operator's quarantine": ["PutItem"],
  },
  query: { runs: ["GetItem", "Query"], registry: ["Query"], settings: ["Query"], statistics: ["Query"] },
  control: {
    runs: RECORD_RUNS,
    graphs: ["GetItem", "PutItem"],
    registry: ["PutItem"],
    settings: ["GetItem", "Query", "PutItem"],
    secrets: ["GetItem", "PutItem"],
    audit: ["Query", "PutItem"],
    jobs: ["GetItem", "Query", "PutItem"],
    quarantine: ["GetItem", "Query", "UpdateItem", "DeleteItem"],
  },
  work: {
    runs: ["GetItem", "Query", "PutItem", "BatchWriteItem"],
    settings: ["Query"],
    audit: ["PutItem"],
    jobs: ["GetItem", "PutItem"],
    quarantine: ["Query", "DeleteItem"],
  },
  reap: {
    runs: RECORD_RUNS,
    registry: ["GetItem", "Query", "PutItem", "UpdateItem"],
    settings: ["Query"],
    statistics: ["GetItem", "Query", "PutItem", "DeleteItem"],
  },
  project: { runs: ["GetItem", "Query", "PutItem", "DeleteItem"], statistics: ["GetItem", "PutItem"] },
};

const INDEXES: Record<FunctionName, Table> = {
  authorize: {},
  ingest: {},
  consume: {},
  query: LISTS,
  control: LISTS,
  work: LISTS,
  reap: { runs_by_time: ["Query"], runs_by_status: ["Query"] },
  project: {},
};

const RECORD_OBJECTS = {
  runs: ["GetObject", "PutObject", "DeleteObject"],
  graphs: ["GetObject", "PutObject"],
  uploads: ["GetObject", "DeleteObject"],
};

const OBJECTS: Record<FunctionName, Table> = {
  authorize: {},
  ingest: RECORD_OBJECTS,
  consume: { ...RECORD_OBJECTS, quarantine: ["PutObject"], "operator's quarantine": ["PutObject"] },
  query: { runs: ["GetObject"], graphs: ["GetObject"] },
  control: {
    ...RECORD_OBJECTS,
    uploads: ["GetObject", "PutObject", "DeleteObject"],
    exports: ["GetObject"],
    quarantine: ["GetObject", "DeleteObject"],
  },
  work: {
    runs: ["GetObject", "DeleteObject"],
    graphs: ["GetObject"],
    uploads: ["DeleteObject"],
    exports: ["PutObject"],
    quarantine: ["DeleteObject"],
  },
  reap: { runs: ["GetObject", "PutObject", "DeleteObject"], graphs: ["GetObject"], uploads: ["DeleteObject"] },
  project: { runs: ["GetObject"] },
};

describe("the role of a function allows it exactly these items, whatever ids they are of", () => {
  test.each(FUNCTIONS)("%s", (name) => {
    expect(itemsOf(name)).toEqual(ITEMS[name]);
    expect(indexesOf(name)).toEqual(INDEXES[name]);
  });
});

describe("the role of a function allows it exactly these objects, whatever their lifetimes", () => {
  test.each(FUNCTIONS)("%s", (name) => expect(objectsOf(name)).toEqual(OBJECTS[name]));
});

test("only recording functions and who sets settings can read what the digests of redacted values are keyed with", () => {
  const readers = FUNCTIONS.filter((name) => itemsOf(name)["secrets"]?.includes("GetItem"));
  expect(readers).toEqual(["consume", "control", "ingest"]);
});

const KINDS = [...Object.values(PARTITIONS_BY_KIND), ...Object.values(INDEX_PARTITIONS_BY_NAME)];

describe("of what a role allows of the table and its objects", () => {
  const statements = FUNCTIONS.flatMap((name) => granted[name].map((statement) => [name, statement] as const));

  test("every pattern is of a kind that there is", () => {
    for (const [, { conditions }] of statements) {
      for (const pattern of conditions[LIKE]?.["dynamodb:LeadingKeys"] ?? []) {
        expect([pattern, KINDS.filter((keys) => keys.some((key) => isLike(key, pattern)))]).not.toEqual([pattern, []]);
      }
    }
    const objects = statements.flatMap(([, { resources }]) =>
      resources.flatMap((resource) => /^payloads\/(.+)$/.exec(resource)?.[1] ?? []),
    );
    for (const pattern of objects) {
      const kinds = Object.values(OBJECTS_BY_KIND).filter((keys) => keys.some((key) => isLike(key, pattern)));
      expect([pattern, kinds]).not.toEqual([pattern, []]);
    }
  });

  test("nothing of the table is allowed without saying which keys", () => {
    for (const [, { actions, resources, conditions }] of statements) {
      const isOfItems = resources.some((resource) => /^table/.test(resource));
      if (isOfItems) expect([actions, Object.keys(conditions)]).toEqual([actions, expect.arrayContaining([LIKE])]);
    }
  });

  test("of the bucket itself only its list, which tells a missing object from a forbidden one", () => {
    const actions = statements.flatMap(([, one]) => (one.resources.includes("payloads") ? one.actions : []));
    expect([...new Set(actions)]).toEqual(["s3:ListBucket"]);
  });
});
