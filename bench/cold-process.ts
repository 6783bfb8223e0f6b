/**
 * A function's cold start, in a process of its own: loads the bundle `argv[2]` and gives it the event in the file
 * `argv[3]`. Prints `{"load_ms", "first_ms"}`.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , bundle = "", eventFile = ""] = process.argv;
const event: unknown = JSON.parse(readFileSync(eventFile, "utf8"));
// What the function logs is not the answer.
const answerTo = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

const requireBundle = createRequire(import.meta.url);
// As Lambda's runtime does: CommonJS by require, which spares the search for its exports, ES modules by import.
const load = (): unknown => (bundle.endsWith(".mjs") ? import(pathToFileURL(bundle).href) : requireBundle(bundle));

const startedAt = performance.now();
const { handler } = (await load()) as { handler(event: unknown, context: unknown): Promise<unknown> };
const loadedAt = performance.now();
// A refusal takes as long as an answer.
await handler(event, { awsRequestId: "cold", getRemainingTimeInMillis: () => 60_000 }).catch(() => undefined);
answerTo(JSON.stringify({ load_ms: loadedAt - startedAt, first_ms: performance.now() - loadedAt }));
process.exit(0);
