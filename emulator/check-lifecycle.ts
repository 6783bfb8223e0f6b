/**
 * `npm run test:lifecycle`: what becomes of the emulator's stage in the end. A deployment without a change changes
 * nothing; destroying it leaves what is kept on purpose, and nothing else.
 */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
  type StackEvent,
} from "@aws-sdk/client-cloudformation";
import { cdk, emulatorEnvironment, runningEmulator, STAGE } from "./cdk.ts";

const HELP = `Usage: npm run test:lifecycle

Deploys the stage "emulator" once more, to an emulator where \`npm run deploy:emulator\` has deployed it, and checks that
nothing changes; then destroys it and checks that only what holds data is left. Never on AWS itself.`;

/** The account's role for API Gateway's logs is shared by all its APIs; the others hold what was recorded. */
const KEPT_ON_PURPOSE = [
  "AWS::ApiGateway::Account",
  "AWS::DynamoDB::Table",
  "AWS::IAM::Role (ApiCloudWatchRole)",
  "AWS::S3::Bucket (Failures)",
  "AWS::S3::Bucket (Payloads)",
];
const PREFIX = "runstone-emulator-";

function fail(message: string): never {
  console.error(`FAILED: ${message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const endpoint = await runningEmulator();
  const environment = emulatorEnvironment(endpoint);
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new CloudFormationClient({ endpoint, region: environment["AWS_REGION"] ?? "", credentials });
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({}));
  const stacks = Stacks.filter(({ StackName = "" }) => StackName.startsWith(PREFIX));
  if (stacks.length === 0) fail("nothing is deployed; run `npm run deploy:emulator` first");

  const said = cdk(environment, "deploy", "--all", ...STAGE, "--require-approval", "never");
  const unchanged = said.split("\n").filter((line) => line.includes("(no changes)")).length;
  if (unchanged !== stacks.length) fail(`a second deployment changed something:\n${said}`);
  console.log(`ok: a second deployment changes none of the ${stacks.length} stacks`);

  cdk(environment, "destroy", "--all", "--force", ...STAGE);
  const left = new Set<string>();
  let deleted = 0;
  for (const { StackId, StackName } of stacks) {
    const events: StackEvent[] = [];
    for await (const page of paginateDescribeStackEvents({ client }, { StackName: StackId })) {
      events.push(...(page.StackEvents ?? []));
    }
    const latest = new Map<string, StackEvent>();
    for (const event of events.sort((a, b) => Number(a.Timestamp) - Number(b.Timestamp))) {
      if (event.ResourceStatus?.endsWith("IN_PROGRESS") !== true) latest.set(event.LogicalResourceId ?? "", event);
    }
    for (const { ResourceStatus, ResourceType = "", LogicalResourceId = "" } of latest.values()) {
      if (LogicalResourceId === StackName) continue;
      if (ResourceStatus === "DELETE_COMPLETE") deleted++;
      else left.add(describe(ResourceType, LogicalResourceId));
    }
  }
  const others = [...left].filter((resource) => !KEPT_ON_PURPOSE.includes(resource));
  if (others.length > 0) fail(`destroying the stage left ${others.join(", ")}`);
  const lost = KEPT_ON_PURPOSE.filter((resource) => !left.has(resource));
  if (lost.length > 0) fail(`destroying the stage deleted ${lost.join(", ")}`);
  console.log(`ok: destroying it deletes ${deleted} resources and keeps on purpose: ${KEPT_ON_PURPOSE.join(", ")}`);
}

/** Where a type is kept in one place and not in another, its name says which. */
function describe(type: string, logicalId: string): string {
  const name = /^(ApiCloudWatchRole|Failures|Payloads)/.exec(logicalId)?.[1];
  return name === undefined ? type : `${type} (${name})`;
}

if (process.argv.length > 2) {
  console.log(HELP);
  process.exit(["--help", "-h"].includes(process.argv[2] ?? "") ? 0 : 1);
}
await main();
