import { eventText, json } from "../../support/event-text.ts";
import { get, postEvents } from "./api.ts";
import { newKey, newTenant, revokeKeys } from "./tenants.ts";

/** What stands in the victim's run, and in no answer to anybody else. */
export const SECRET = "s3cret-of-the-victim";

/** A tenant with a run `run-1` of the app `app-1`, and another that is after it. */
export interface Attack {
  readonly victim: string;
  readonly victimKey: string;
  /** The attacker's own key: good, with every scope. */
  readonly key: string;
}

/** Records the victim's run. */
export const prepareAttack = async (): Promise<Attack> => {
  const [victim, attacker] = [newTenant("victim"), newTenant("attacker")];
  const [victimKey, key] = await Promise.all([newKey(victim), newKey(attacker)]);
  const events = [
    eventText("run.started", { inputs: json(`["${SECRET}"]`), created_by: SECRET }),
    eventText("node.started", { title: SECRET }),
  ];
  expect((await postEvents(victimKey, events)).status).toBe(200);
  return { victim, victimKey, key };
};

/** That the victim's run is as it was, after all that was tried. */
export const endAttack = async ({ victimKey }: Attack): Promise<void> => {
  const run = await get("/v1/runs/run-1", { key: victimKey });
  expect([run.status, run.json.status, run.json.created_by]).toEqual([200, "running", SECRET]);
  await revokeKeys();
};
