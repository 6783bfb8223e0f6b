import { awsDomain } from "../signed-http/aws-domain.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import type { Service } from "../signed-http/signed-sender.ts";

/** How SQS is spoken to, by its JSON protocol. */
export const SQS: Service = {
  name: "SQS",
  signsPathAsSent: false,
  // They ask for less speed with a status of 400 or 403.
  passingCodes: ["RequestThrottled", "ThrottlingException", "KmsThrottled"],
  // `com.amazonaws.sqs#QueueDoesNotExist`, or without what stands before the mark.
  readCode: (document) => /"__type"\s*:\s*"(?:[\w.]+#)?([\w.]{1,64})"/.exec(document)?.[1],
};

/** Where SQS answers for every queue of its region. */
export const sqsUrl = ({ region, endpoint }: Pick<ServiceAccess, "region" | "endpoint">): string =>
  `${endpoint?.replace(/\/+$/, "") ?? `https://sqs.${region}.${awsDomain(region)}`}/`;
