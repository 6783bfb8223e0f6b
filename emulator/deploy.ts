/** `npm run deploy:emulator`: the stacks of `infra/`, deployed by the ordinary CDK command line to an AWS emulator. */
import { ACCOUNT, cdk, DEFAULT_ENDPOINT, emulatorEnvironment, runningEmulator, STAGE } from "./cdk.ts";

const HELP = `Usage: npm run deploy:emulator

Bootstraps and deploys the stage "emulator" (infra/stages/emulator.ts) to an AWS emulator that is running already, such
as MiniStack or LocalStack. Running it again deploys what has changed.

  AWS_ENDPOINT_URL  where the emulator answers (default ${DEFAULT_ENDPOINT})
  AWS_REGION        the region to deploy to (default us-east-1)`;

async function main(): Promise<void> {
  const endpoint = await runningEmulator();
  const environment = emulatorEnvironment(endpoint);
  console.log(`Bootstrapping ${endpoint} ...`);
  cdk(environment, "bootstrap", `aws://${ACCOUNT}/${environment["AWS_REGION"]}`, ...STAGE);
  console.log("Deploying (half a minute) ...");
  const said = cdk(environment, "deploy", "--all", ...STAGE, "--require-approval", "never");
  for (const line of said.split("\n")) if (line.includes("✅")) console.log(line.trim());
  const output = (name: string): string => new RegExp(`^\\S+-api\\.${name} = (\\S+)$`, "m").exec(said)?.[1] ?? "";
  console.log(`
The API:               ${endpoint}/_aws/execute-api/${output("ApiId")}/${output("ApiStage")}/v1/health
For commands on it:    export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${environment["AWS_REGION"]} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
A key:                 npm run cli -- keys create --stage emulator --tenant demo --scopes ingest,read,payload
The end-to-end suite:  npm run test:deployed`);
}

if (process.argv.length > 2) {
  console.log(HELP);
  process.exit(["--help", "-h"].includes(process.argv[2] ?? "") ? 0 : 1);
}
await main();
