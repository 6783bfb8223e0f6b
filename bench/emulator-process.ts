/**
 * dynalite in a process of its own, so that its work does not count as the ledger's. Prints its endpoint as a line, and
 * ends with its parent (when standard input closes).
 */
import { startEmulators } from "../local/emulators.ts";

// A queue is not needed: naming one starts none.
const environment = { AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:9" };
const emulators = await startEmulators({ dynamodbDirectory: undefined, hasS3: false, environment });
process.stdout.write(`${emulators.endpoints.dynamodb}\n`);

process.stdin.resume();
process.stdin.once("close", () => process.exit(0));
