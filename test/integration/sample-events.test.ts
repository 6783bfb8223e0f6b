import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { APIGatewayProxyEvent, SQSEvent } from "aws-lambda";
import { manualClock } from "../support/manual-clock.ts";
import { type Reply, type Service, startService } from "../support/service.ts";

const EVENTS = join(__dirname, "../../events");
const namesIn = (folder: string): string[] => readdirSync(join(EVENTS, folder));
const read = <Event>(folder: string, name: string): Event =>
  JSON.parse(readFileSync(join(EVENTS, folder, name), "utf8")) as Event;

let service: Service;
beforeAll(async () => {
  service = await startService(undefined, manualClock());
});
afterAll(() => service.stop());

const ask = (name: string): Promise<Reply> => service.answer(read<APIGatewayProxyEvent>("api-gateway", `${name}.json`));

describe("the sample events of Lambda, fed to their functions", () => {
  test.each(namesIn("sqs"))("%s is consumed, and nothing of it comes again", async (name) => {
    expect(await service.consume(read<SQSEvent>("sqs", name))).toEqual({ batchItemFailures: [] });
  });

  test.each(namesIn("api-gateway"))("%s is answered under its own request id", async (name) => {
    const event = read<APIGatewayProxyEvent>("api-gateway", name);

    const reply = await service.answer(event);

    expect(reply.status).toBeLessThan(500);
    expect([401, 403]).not.toContain(reply.status);
    expect(reply.json?.detail).not.toBe("there is no such route");
    expect(reply.headers["x-request-id"]).toBe(event.requestContext.requestId);
  });

  test.each(["list-runs", "list-all-runs", "count-runs"])("%s finds what there is, by valid filters", async (name) => {
    expect((await ask(name)).status).toBe(200);
  });

  test("job.json of the queue of jobs, of one that is long forgotten, is worked on, and done with", async () => {
    const { Records } = read<SQSEvent>("sqs-jobs", "job.json");

    for (const { body } of Records) expect(await service.work(body)).toEqual({ batchItemFailures: [] });
  });

  test("post-events-async is queued, and recorded when it is consumed", async () => {
    await service.takeQueued();

    const reply = await ask("post-events-async");

    expect([reply.status, reply.json.queued]).toEqual([202, 4]);
    expect(await service.deliver(await service.takeQueued())).toEqual({ batchItemFailures: [] });
    const run = await service.get({ resource: "/v1/runs/{run_id}", path: { run_id: "gateway-async" } });
    expect(run.json).toMatchObject({ status: "succeeded", total_tokens: 120 });
  });

  test("get-quarantine shows what mixed.json brought, and redrive-event tries it again", async () => {
    await service.consume(read<SQSEvent>("sqs", "mixed.json"));

    const list = await ask("get-quarantine");
    const one = await ask("redrive-event");
    const all = await ask("redrive-quarantine");

    const { id } = read<APIGatewayProxyEvent>("api-gateway", "redrive-event.json").pathParameters ?? {};
    expect(list.json.data).toContainEqual(
      expect.objectContaining({ id, run_id: "queue-mixed", code: "INVALID_EVENT", errors: [expect.anything()] }),
    );
    expect([one.status, one.json.still_refused]).toEqual([200, 1]);
    expect(all.json).toMatchObject({ redriven: 0, still_refused: list.json.data.length, has_more: false });
  });
});
