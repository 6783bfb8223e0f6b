import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import * as v from "valibot";
import { eventBridgePublisher } from "../../shared/eventbridge/event-bridge-publisher.ts";
import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { readEnvironment, setVariable } from "../../shared/lambda/read-environment.ts";
import { sdkRequests } from "../../shared/lambda/sdk-requests.ts";
import { systemClock } from "../../shared/lambda/system-clock.ts";
import { projectFunction } from "./project.ts";

const environment = readEnvironment(v.object({ EVENT_BUS_NAME: setVariable("EVENT_BUS_NAME") }), process.env);
const client = new EventBridgeClient(sdkRequests());

/** What Lambda runs: the projection of the table's stream. */
export const handler = projectFunction({
  ...fromEnvironment(process.env),
  publisher: eventBridgePublisher(client, environment.EVENT_BUS_NAME, systemClock),
});
