import type { DynamoDBRecord } from "aws-lambda";
import { type RecordStores, recordArrival, recordClaim } from "../../shared/app/record/record-arrival.ts";
import { DEFAULT_RETENTION_DAYS } from "../../shared/domain/retention.ts";
import type { ManualClock } from "./manual-clock.ts";
import { memoryStores, type RunStores } from "./memory-stores.ts";
import type { Delivery } from "./random-runs.ts";
import { recordedHeaders } from "./recorded-headers.ts";

/** Stores that runs are recorded in, and what the table's stream tells of it. */
export interface RecordingWorld {
  readonly stores: RunStores;
  /** As `stores`, but that its writes of headers are told. */
  readonly recording: RecordStores;
  /** Records a delivery at the time of its receipt, and answers the stream's records of it. */
  record(delivery: Delivery): Promise<DynamoDBRecord[]>;
  /** The stream's records of what was written since. */
  take(): DynamoDBRecord[];
}

/**
 * A world in which nothing happened yet, without a database where it is not given stores of that clock. It goes on to the
 * time of each receipt.
 */
export const recordingWorld = (clock: ManualClock, stores: RunStores = memoryStores(clock)): RecordingWorld => {
  const { runs, take } = recordedHeaders(stores.runs);
  const recording: RecordStores = {
    ...stores,
    runs,
    apps: { register: async () => undefined, list: async () => [], listAll: async () => [] },
    settings: {
      ofTenant: async () => ({ apps: new Map() }),
      secretOf: async () => undefined,
      find: async () => undefined,
      put: async () => undefined,
    },
    retentionDays: DEFAULT_RETENTION_DAYS,
  };
  return {
    stores,
    recording,
    take,
    record: async ({ run, arrival, claimedEpoch }) => {
      clock.advance(Math.max(0, arrival.receivedAt - clock.now()));
      if (claimedEpoch === undefined) await recordArrival(recording, run, arrival);
      else await recordClaim(recording, run, { arrival, epoch: claimedEpoch });
      return take();
    },
  };
};
