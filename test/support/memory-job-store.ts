import type { TenantId } from "../../shared/contract/identifiers.ts";
import type { JobStore, StoredJob } from "../../shared/ports/job-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** A job store without a database: passes the contract of its port, and is quick. `isBroken`: every call fails. */
export const memoryJobStore = (of: { readonly isBroken?: boolean } = {}): JobStore => {
  const kept = new Map<string, StoredJob>();
  const nameOf = (tenantId: TenantId, jobId: string): string => `${tenantId}#${jobId}`;
  const check = (): void => {
    if (of.isBroken) throw new StoreFault("nobody is there", { cause: new Error("broken"), isRetryable: true });
  };
  return {
    create: async (tenantId, job) => {
      check();
      const name = nameOf(tenantId, job.id);
      if (!kept.has(name)) kept.set(name, { job, rev: 1 });
    },
    find: async (tenantId, jobId) => {
      check();
      return kept.get(nameOf(tenantId, jobId));
    },
    replace: async (tenantId, job, rev) => {
      check();
      const name = nameOf(tenantId, job.id);
      if (kept.get(name)?.rev !== rev) return false;
      kept.set(name, { job, rev: rev + 1 });
      return true;
    },
    list: async (tenantId, { before, limit }) => {
      check();
      return [...kept]
        .filter(([name, { job }]) => name === nameOf(tenantId, job.id) && (before === undefined || job.id < before))
        .map(([, { job }]) => job)
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit);
    },
  };
};
