import { isDeepStrictEqual } from "node:util";
import { type AttributeValue, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as v from "valibot";
import { type ChangeFollower, changeFollower } from "../shared/app/follow/follow-changes.ts";
import { RunId } from "../shared/contract/identifiers.ts";
import { headerChangeFrom } from "../shared/dynamodb/header-change.ts";
import { headerKey } from "../shared/dynamodb/table.ts";
import type { Charge } from "./cost-meter.ts";
import { type MeteredService, startMeteredService } from "./metered-service.ts";
import { type Bill, billOf } from "./prices.ts";
import { DELIVERIES, type Delivery, type SampleRun, type Workload } from "./workloads.ts";

/** What following a run costs, on average, beside recording it: it is counted, and its failures are noted. */
export interface FollowPrice {
  readonly workload: string;
  readonly delivery: Delivery;
  readonly bill: Bill;
  /** Of one run. */
  readonly mostReadUnits: number;
}

type Header = Record<string, AttributeValue>;

/** Records a run, and follows each change of its header as the table's stream tells it; gives what following costs. */
const followRun = async (
  service: MeteredService,
  follow: ChangeFollower,
  of: { readonly run: SampleRun; readonly delivery: Delivery },
): Promise<readonly Charge[]> => {
  const { run, delivery } = of;
  const Keys = marshall(headerKey({ tenantId: service.tenantId, runId: v.parse(RunId, run.runId) }));
  const getHeader = new GetItemCommand({ TableName: service.tableName, Key: Keys, ConsistentRead: true });
  const charges: Charge[] = [];
  let before: Header | undefined;
  for (const texts of run.requests[delivery]) {
    await service.record({ ...run, requests: { ...run.requests, [delivery]: [texts] } }, delivery);
    const after = (await service.aside.send(getHeader)).Item;
    if (isDeepStrictEqual(before, after)) continue;
    const change = headerChangeFrom({ Keys, OldImage: before, NewImage: after });
    const followed = await service.bill(async () => {
      const [failure] = await follow(change === undefined ? [] : [change]);
      if (failure !== undefined) throw failure.error;
    });
    charges.push(...followed);
    before = after;
  }
  return charges;
};

const priceOf = async (endpoint: string, workload: Workload, delivery: Delivery): Promise<FollowPrice> => {
  const service = await startMeteredService(endpoint, { startsAt: workload.endsAt });
  try {
    const follow = changeFollower(service.dependencies);
    const byRun: (readonly Charge[])[] = [];
    for (const run of workload.runs) byRun.push(await followRun(service, follow, { run, delivery }));
    return {
      workload: workload.name,
      delivery,
      bill: billOf(byRun.flat(), workload.runs.length),
      mostReadUnits: Math.max(...byRun.map((charges) => billOf(charges).readUnits)),
    };
  } finally {
    service.stop();
  }
};

/** Records every run of the workloads, in one request and in arrivals, and follows it by its changes, one at a time. */
export const followPrices = async (endpoint: string, workloads: readonly Workload[]): Promise<FollowPrice[]> => {
  const prices: FollowPrice[] = [];
  for (const workload of workloads) {
    for (const delivery of DELIVERIES) prices.push(await priceOf(endpoint, workload, delivery));
  }
  return prices;
};
