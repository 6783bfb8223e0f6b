import { type Answer, get } from "./api.ts";
import { eventually } from "./eventually.ts";

/** The run, once it can be read. */
export const runAppears = (key: string, runId: string, within?: { seconds: number }): Promise<Answer> =>
  eventually(
    `the run ${runId} appears`,
    async () => {
      const answer = await get(`/v1/runs/${runId}`, { key });
      return answer.status === 200 ? answer : undefined;
    },
    within,
  );

/** The run, once it has this status. */
export const runReaches = (key: string, runId: string, status: string, within?: { seconds: number }): Promise<Answer> =>
  eventually(
    `the run ${runId} is ${status}`,
    async () => {
      const answer = await get(`/v1/runs/${runId}`, { key });
      return answer.json?.status === status ? answer : undefined;
    },
    within,
  );

/** The tenant's quarantine, once it holds so many events. */
export const quarantineHolds = (key: string, count: number): Promise<Answer> =>
  eventually(`${count} events in quarantine`, async () => {
    const answer = await get("/v1/quarantine", { key });
    return answer.json?.data?.length >= count ? answer : undefined;
  });
