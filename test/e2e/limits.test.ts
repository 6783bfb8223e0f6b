import { setTimeout as pause } from "node:timers/promises";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoTenantStore } from "../../shared/dynamodb/dynamo-tenant-store.ts";
import { type Answer, type Call, expectProblem, get } from "./support/api.ts";
import { dynamodb } from "./support/aws-clients.ts";
import { command, commandJson } from "./support/command.ts";
import { deployment } from "./support/deployment.ts";
import { eventually } from "./support/eventually.ts";
import { lackOf, noteOtherwise, SMALL_PLAN, testNeeding } from "./support/needs.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

const hasPlans = deployment().usagePlans?.[SMALL_PLAN] !== undefined;
const isSentByCaller = lackOf("usageKeysOfTheCaller") === undefined;
/** A hundred times what the small plan allows in a second. */
const REQUESTS = 100 * (deployment().settings.limits?.plans[SMALL_PLAN]?.requestsPerSecond ?? 1);
const AT_A_TIME = 16;

interface Caller {
  readonly tenantId: TenantId;
  readonly call: Call;
}

const admitted = async (plan: string): Promise<Caller> => {
  const tenantId = newTenant(`plan-${plan}`);
  const key = await newKey(tenantId);
  await command("tenants", "admit", "--tenant", tenantId, "--plan", plan);
  if (!isSentByCaller) return { tenantId, call: { key } };
  const stored = await dynamoTenantStore(tableOf(dynamodb, deployment().tableName)).find(tenantId);
  return { tenantId, call: { key, headers: { "x-api-key": stored?.usageKey ?? "" } } };
};

let small: Caller;
let standard: Caller;
beforeAll(async () => {
  if (!hasPlans) return;
  [small, standard] = await Promise.all([admitted(SMALL_PLAN), admitted("standard")]);
  // API Gateway may take a while to know a usage key.
  const isKnown = async ({ call }: Caller): Promise<true | undefined> =>
    (await get("/v1/apps", call)).status === 200 ? true : undefined;
  for (const caller of [small, standard]) {
    await eventually(`${caller.tenantId} is admitted`, () => isKnown(caller), { seconds: 120 });
  }
}, 180_000);
afterAll(async () => {
  for (const { tenantId } of hasPlans ? [small, standard] : []) {
    await command("tenants", "remove", "--tenant", tenantId, "--no-wait");
  }
  await revokeKeys();
});

/** Sends so many requests, some at a time, and gives their answers. */
const sendMany = async (count: number, call: Call): Promise<Answer[]> => {
  const answers: Answer[] = [];
  let left = count;
  const sender = async (): Promise<void> => {
    while (left-- > 0) answers.push(await get("/v1/apps", call));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, sender));
  return answers;
};

const overloadIsHeldOff = async (): Promise<void> => {
  const [flood, others] = await Promise.all([
    sendMany(REQUESTS, small.call),
    (async () => {
      const answers: Answer[] = [];
      for (let sent = 0; sent < 30; sent++) {
        answers.push(await get("/v1/apps", standard.call));
        await pause(20);
      }
      return answers;
    })(),
  ]);

  const refused = flood.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(REQUESTS / 2);
  for (const answer of refused) {
    expectProblem(answer, 429, "TOO_MANY_REQUESTS");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  }
  expect(others.map(({ status }) => status)).toEqual(others.map(() => 200));
};

const isServedAgain = async (): Promise<void> => {
  await eventually("the tenant is served again", async () =>
    (await get("/v1/apps", small.call)).status === 200 ? true : undefined,
  );
};

testNeeding(
  "usageKeysOfTheAuthorizer",
  "a tenant that sends a hundred times its share is told to slow down, by who it is; others are served",
  overloadIsHeldOff,
);

testNeeding(
  "usageKeysOfTheCaller",
  "a tenant that sends a hundred times its share is told to slow down, by the usage key it sends; others are served",
  async () => {
    noteOtherwise("limits by tenant", `${lackOf("usageKeysOfTheAuthorizer")}: the suite sends it`);
    await overloadIsHeldOff();
  },
);

if (hasPlans) test("a tenant that has slowed down is served again", isServedAgain);

const isHeldToATenth = async (): Promise<void> => {
  // Time for the whole plan to be full again: what is refused then is refused for the route.
  await pause(3000);
  const following = Array.from({ length: 4 }, () => get("/v1/runs/nobody/events?wait=20", small.call));
  const answers = await Promise.all(following);

  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(2);
};

testNeeding(
  "limitsOfRoutes",
  "following a run, which can hold a function, is held to a tenth of the plan",
  isHeldToATenth,
);

const isServedWithoutItsOwnLimit = async (): Promise<void> => {
  const limitsOf = async (tenantId: TenantId): Promise<string[]> => {
    const { data } = await commandJson("tenants", "list");
    return data.flatMap((it: { tenant_id: string; limit: string }) => (it.tenant_id === tenantId ? [it.limit] : []));
  };
  expect(await limitsOf(standard.tenantId)).toEqual(["own"]);

  await command("tenants", "remove", "--tenant", standard.tenantId);

  expect(await limitsOf(standard.tenantId)).toEqual([]);
  const { key } = standard.call;
  expect((await get("/v1/apps", key === undefined ? {} : { key })).status).toBe(200);
};

if (hasPlans) {
  const waitMs = (deployment().settings.keys.cacheSeconds + 60) * 1000;
  test("a tenant that is removed is served on, under the limit that all share", isServedWithoutItsOwnLimit, waitMs);
}
