import { randomBytes } from "node:crypto";
import { eventText, json } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents, send } from "./support/api.ts";
import { deployment } from "./support/deployment.ts";
import { type Attack, endAttack, prepareAttack, SECRET } from "./support/victim.ts";

let attack: Attack;
let victim: string;
let victimKey: string;
let key: string;
beforeAll(async () => {
  attack = await prepareAttack();
  ({ victim, victimKey, key } = attack);
});
afterAll(() => endAttack(attack));

/** That nothing was reached. What the front of AWS refuses before the gateway sees it is in its own words. */
const expectNothing = (answer: Answer): void => {
  expect(answer.text).not.toContain(SECRET);
  if (deployment().server === "AWS") expect([400, 403, 404]).toContain(answer.status);
  else expectProblem(answer, 404, "NOT_FOUND");
};

describe("a path", () => {
  test.each<[string, () => string]>([
    ["up and down again", () => "/v1/runs/../runs/run-1"],
    ["up, with the dots encoded", () => "/v1/runs/%2e%2e/runs/run-1"],
    ["up, with all of it encoded", () => "/v1/runs/%2e%2e%2fruns%2frun-1"],
    ["up, out of the stage", () => "/v1/runs/../../../../live/v1/runs/run-1"],
    ["encoded twice", () => "/v1/runs/%252e%252e%252fruns%252frun-1"],
    ["with dots in overlong UTF-8", () => "/v1/runs/%c0%ae%c0%ae/run-1"],
    ["with a slash in an id", () => `/v1/runs/${victim}%2Frun-1`],
    ["with a tenant before the id", () => `/v1/runs/${victim}/run-1`],
    ["with a backslash", () => `/v1/runs/..%5c..%5c${victim}%5crun-1`],
    ["with a table's key", () => `/v1/runs/T%23${victim}%23R%23run-1`],
    ["with a separator of keys before the id", () => `/v1/runs/${victim}%23R%23run-1`],
    ["with a separator of keys behind the id", () => "/v1/runs/run-1%23RUN"],
    ["with a fragment", () => "/v1/runs/#run-1"],
    ["with a NUL behind the id", () => "/v1/runs/run-1%00"],
    ["with a NUL alone", () => "/v1/runs/%00"],
    ["with a matrix parameter", () => `/v1/runs/run-1;tenant_id=${victim}`],
    ["with a wildcard", () => "/v1/runs/*"],
    ["with a formatting string", () => "/v1/runs/%25s%24%7Bjndi%7D"],
    ["with an id of 129 characters", () => `/v1/runs/${"a".repeat(129)}`],
    ["with an id of 6,000 characters", () => `/v1/runs/${"a".repeat(6000)}`],
    ["with an app that is a key", () => `/v1/apps/T%23${victim}%23A%23app-1/runs`],
    ["with an app that leaves its tenant", () => `/v1/apps/..%2F${victim}/runs`],
    ["with a node that leaves its run", () => "/v1/runs/x/nodes/..%2F..%2Frun-1%2Fnodes%2Fnode-1"],
    ["of another stage", () => "/../prod/v1/runs/run-1"],
  ])("leads nowhere: %s", async (_what, path) => {
    expectNothing(await send("GET", path(), { key }));
  });

  test("with a line's end makes no header and leads nowhere", async () => {
    const answer = await send("GET", "/v1/runs/run-1%0d%0aX-Made-Up:%20yes", { key });

    expect([400, 403, 404]).toContain(answer.status);
    expect(answer.headers).not.toHaveProperty("x-made-up");
    expect(answer.text).not.toContain(SECRET);
  });

  test("of blank segments is no way round the credential", async () => {
    const answer = await send("GET", "//v1//runs//run-1");

    expect([401, 403, 404]).toContain(answer.status);
    expect(answer.text).not.toContain(SECRET);
  });

  test.each(["tenant_id", "tenant", "tenantId", "x-tenant-id"])("cannot choose the tenant by ?%s=", async (name) => {
    const answer = await get(`/v1/runs/run-1?${name}=${victim}`, { key });

    expectProblem(answer, 400, "INVALID_REQUEST");
  });

  test("of a quarantine id made up leads nowhere", async () => {
    const place = (text: string): string => Buffer.from(text).toString("base64url");
    for (const id of [
      "x",
      "..",
      place("0#0#../.."),
      place(`1#0#T#${victim}#Q`),
      place("1#whole#%00"),
      place("9".repeat(99)),
    ]) {
      expectProblem(await ask("POST", `/v1/quarantine/${encodeURIComponent(id)}/redrive`, { key }), 404, "NOT_FOUND");
    }
  });
});

describe("a run id of dots", () => {
  const DOTS = [".", "..", "...", ".:.", "a..b"];

  test.each(DOTS)("is one like any other and stays with its tenant: %s", async (run_id) => {
    const large = (name: string): string => `"${name} ${randomBytes(20_000).toString("hex")}"`;
    const [mine, theirs] = [large("attacker"), large("victim")];
    for (const [owner, inputs] of [
      [key, mine],
      [victimKey, theirs],
    ] as const) {
      const posted = await postEvents(owner, [
        eventText("run.started", { run_id, app_id: "dots", inputs: json(inputs) }),
      ]);
      expect([posted.status, posted.json.accepted]).toEqual([200, 1]);
    }

    const path = `/v1/runs/${run_id.replaceAll(".", "%2e")}`;
    const [own, other] = [await send("GET", path, { key }), await send("GET", path, { key: victimKey })];

    // AWS's own front may resolve a path of dots before anybody sees it.
    if (deployment().server !== "AWS") expect([own.status, other.status]).toEqual([200, 200]);
    if (own.status === 200) expect(own.json.inputs).toBe(JSON.parse(mine));
    if (other.status === 200) expect(other.json.inputs).toBe(JSON.parse(theirs));
  });

  test("is listed with the others", async () => {
    const { json: list } = await get("/v1/apps/dots/runs", { key });

    expect(list.data.map((run: { run_id: string }) => run.run_id).sort()).toEqual([...DOTS].sort());
  });
});
