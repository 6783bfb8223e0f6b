import type { FunctionName } from "../../build/bundle.ts";
import type { Access } from "./table-access.ts";

/**
 * What recording does: entries, headers and claims are written, and read where they have to be folded; what comes for a
 * run that is gone is removed again, with the uploads of one that was deleted, and what comes for one on hold is copied to
 * where nothing collects it, graphs too.
 */
const RECORDING = {
  items: {
    runs: ["GetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"],
    graphs: ["GetItem", "PutItem"],
    registry: ["PutItem"],
    settings: ["Query"],
    secrets: ["GetItem"],
  },
  objects: {
    runs: ["GetObject", "PutObject", "DeleteObject"],
    graphs: ["GetObject", "PutObject"],
    uploads: ["GetObject", "DeleteObject"],
  },
} as const satisfies Access;

/** Lists of runs: by app, by status, and of what came out of a run. */
const LISTS = ["runs_by_time", "runs_by_status", "runs_by_parent"] as const;

/**
 * What each function does with what is kept, and so all that its role allows. A test holds it to what the functions are
 * seen to do.
 */
export const ACCESS = {
  /** The use of a key is noted. */
  authorize: { items: { credentials: ["GetItem", "UpdateItem"] } },

  ingest: RECORDING,

  consume: {
    items: { ...RECORDING.items, quarantine: ["PutItem"], operatorQuarantine: ["PutItem"] },
    objects: { ...RECORDING.objects, quarantine: ["PutObject"], operatorQuarantine: ["PutObject"] },
  },

  /** Settings tell how many parts a list is read from. */
  query: {
    items: { runs: ["GetItem", "Query"], registry: ["Query"], settings: ["Query"], statistics: ["Query"] },
    indexes: LISTS,
    objects: { runs: ["GetObject"], graphs: ["GetObject"] },
  },

  /** Redriving records. Links to upload by and to download from allow what their maker may do itself. */
  control: {
    items: {
      ...RECORDING.items,
      settings: ["GetItem", "Query", "PutItem"],
      secrets: ["GetItem", "PutItem"],
      audit: ["Query", "PutItem"],
      jobs: ["GetItem", "Query", "PutItem"],
      quarantine: ["GetItem", "Query", "UpdateItem", "DeleteItem"],
    },
    indexes: LISTS,
    objects: {
      ...RECORDING.objects,
      uploads: ["GetObject", "PutObject", "DeleteObject"],
      exports: ["GetObject"],
      quarantine: ["GetObject", "DeleteObject"],
    },
  },

  /** Runs are read and removed; all that is put is the tombstone. What waits in quarantine for them is removed unread. */
  work: {
    items: {
      runs: ["GetItem", "Query", "PutItem", "BatchWriteItem"],
      settings: ["Query"],
      audit: ["PutItem"],
      jobs: ["GetItem", "PutItem"],
      quarantine: ["Query", "DeleteItem"],
    },
    indexes: LISTS,
    objects: {
      runs: ["GetObject", "DeleteObject"],
      graphs: ["GetObject"],
      uploads: ["DeleteObject"],
      exports: ["PutObject"],
      quarantine: ["DeleteObject"],
    },
  },

  /** The loss of a run is recorded. The registry holds what upkeep remembers, and how far it has come. */
  reap: {
    items: {
      runs: ["GetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"],
      registry: ["GetItem", "Query", "PutItem", "UpdateItem"],
      settings: ["Query"],
      statistics: ["GetItem", "Query", "PutItem", "DeleteItem"],
    },
    indexes: ["runs_by_time", "runs_by_status"],
    objects: {
      runs: ["GetObject", "PutObject", "DeleteObject"],
      graphs: ["GetObject"],
      uploads: ["DeleteObject"],
    },
  },

  /** Of runs only the rows of their failures are written. */
  project: {
    items: { runs: ["GetItem", "Query", "PutItem", "DeleteItem"], statistics: ["GetItem", "PutItem"] },
    objects: { runs: ["GetObject"] },
  },
} as const satisfies Record<FunctionName, Access>;

/** What the authorizer does beside where requests are counted by tenant. */
export const COUNTING_BY_TENANT = { items: { tenants: ["GetItem"] } } as const satisfies Access;
