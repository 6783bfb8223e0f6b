/**
 * The embedded stack's servers in memory, S3 too, as a process of their own: Jest cannot load fauxqs, which is ESM only.
 * Prints the endpoints as one line of JSON, and ends with its parent (when standard input closes).
 */
import { startEmulators } from "../../local/emulators.ts";

const emulators = await startEmulators({ dynamodbDirectory: undefined, hasS3: true, environment: {} });
process.stdout.write(`${JSON.stringify(emulators.endpoints)}\n`);

process.stdin.resume();
process.stdin.once("close", () => process.exit(0));
