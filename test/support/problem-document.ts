import { OUTCOMES } from "../../shared/lambda/outcomes.ts";
import type { Reply } from "./service.ts";

/** That a reply is a problem document (RFC 9457) of this code, whole, and under the status of the contract. */
export const expectProblem = (reply: Reply, status: number, code: keyof typeof OUTCOMES): void => {
  expect({ status: reply.status, ...reply.json }).toMatchObject({
    status,
    code,
    type: expect.any(String),
    title: OUTCOMES[code].title,
    detail: expect.stringMatching(/./),
    request_id: expect.stringMatching(/./),
  });
  expect(reply.headers["content-type"]).toBe("application/problem+json");
  expect(reply.headers["x-request-id"]).toBe(reply.json.request_id);
};
