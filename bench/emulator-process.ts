/**
 * dynalite in a process of its own, so that its work does not count as the ledger's. Sends its endpoint to its parent,
 * and ends with it.
 */
import { startEmulators } from "../local/emulators.ts";

// A queue is not needed: naming one starts none.
const environment = { AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:9" };
const emulators = await startEmulators({ dynamodbDirectory: undefined, hasS3: false, environment });
process.once("disconnect", () => process.exit(0));
process.send?.(emulators.endpoints.dynamodb);
