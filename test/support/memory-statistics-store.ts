import type { AppKey } from "../../shared/contract/identifiers.ts";
import type { Period } from "../../shared/domain/statistics/period.ts";
import type { Contribution, Mark, StatisticsStore, StoredSummary } from "../../shared/ports/statistics-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** The map under a name, made where there is none. */
const within = <Value>(maps: Map<string, Map<string, Value>>, name: string): Map<string, Value> => {
  const found = maps.get(name) ?? new Map<string, Value>();
  maps.set(name, found);
  return found;
};

const nameOf = ({ tenantId, appId }: AppKey): string => `${tenantId}#${appId}`;
const periodName = ({ grain, from }: Period): string => `${grain}#${from}`;

/** Statistics without a database: passes the contract of its port, and is quick. `isBroken`: every call fails. */
export const memoryStatisticsStore = (of: { readonly isBroken?: boolean } = {}): StatisticsStore => {
  const contributions = new Map<string, Map<string, Contribution>>();
  const marks = new Map<string, Map<string, Mark>>();
  const sums = new Map<string, Map<string, StoredSummary>>();
  let made = 0;
  const check = (): void => {
    if (of.isBroken) throw new StoreFault("nobody is there", { cause: new Error("broken"), isRetryable: true });
  };
  return {
    contribute: async (app, quarter, contribution, isRepair = false) => {
      check();
      const ofQuarter = within(contributions, `${nameOf(app)}#${quarter}`);
      const present = ofQuarter.get(contribution.run)?.moment;
      const { rev, touches } = contribution.moment;
      const order = present === undefined ? -1 : present.rev - rev || present.touches - touches;
      if (order > 0 || (order === 0 && !isRepair)) return false;
      ofQuarter.set(contribution.run, contribution);
      return true;
    },
    contributions: async function* (app, quarter) {
      check();
      yield* [...within(contributions, `${nameOf(app)}#${quarter}`).values()];
    },
    mark: async (app, quarter) => {
      check();
      within(marks, nameOf(app)).set(String(quarter), { quarter, mark: String(++made) });
    },
    marks: async (app, { span, limit, isNewestFirst = false }) => {
      check();
      return [...within(marks, nameOf(app)).values()]
        .filter(({ quarter }) => span === undefined || (quarter >= span.from && quarter < span.to))
        .sort((a, b) => (isNewestFirst ? b.quarter - a.quarter : a.quarter - b.quarter))
        .slice(0, limit);
    },
    unmark: async (app, { quarter, mark }) => {
      check();
      const ofApp = within(marks, nameOf(app));
      if (ofApp.get(String(quarter))?.mark === mark) ofApp.delete(String(quarter));
    },
    find: async (app, period) => {
      check();
      return within(sums, nameOf(app)).get(periodName(period));
    },
    list: async function* (app, grain, { from, to }) {
      check();
      yield* [...within(sums, nameOf(app))]
        .filter(([name, sum]) => name === periodName({ grain, from: sum.from }) && sum.from >= from && sum.from < to)
        .map(([, sum]) => sum)
        .sort((a, b) => a.from - b.from);
    },
    put: async (app, period, { summary, finalAt, asOf }, version) => {
      check();
      const ofApp = within(sums, nameOf(app));
      if ((ofApp.get(periodName(period))?.version ?? 0) !== version) return false;
      ofApp.set(periodName(period), { from: period.from, version: version + 1, summary, finalAt, asOf });
      return true;
    },
  };
};
