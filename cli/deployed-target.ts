import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { CommandFailure } from "./command-failure.ts";
import { OUTPUTS, type Target } from "./target.ts";

/** As CDK takes stages: the names of stacks are made of them. */
const STAGE_FORM = /^[A-Za-z][A-Za-z0-9-]{0,60}$/;

type StackOutputs = ReadonlyMap<string, string>;

/** Outputs of `runstone-<stage>-<part>`, asked for once a part. */
const stackOutputs = (client: CloudFormationClient, stage: string) => {
  const describe = async (part: string): Promise<StackOutputs> => {
    const StackName = `runstone-${stage}-${part}`;
    try {
      const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
      const outputs = Stacks?.[0]?.Outputs ?? [];
      return new Map(outputs.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]));
    } catch (error) {
      if (!(error instanceof Error && error.name === "ValidationError")) throw error;
      const region = await client.config.region();
      throw new CommandFailure(`stage ${stage} is not deployed in ${region}: there is no stack ${StackName}`);
    }
  };
  const asked = new Map<string, Promise<StackOutputs>>();
  return (part: string): Promise<StackOutputs> => {
    const answer = asked.get(part) ?? describe(part);
    asked.set(part, answer);
    return answer;
  };
};

/**
 * A stage on AWS, or on an emulator that `AWS_ENDPOINT_URL` names. Credentials and region are the SDK's usual ones; what
 * the stage is made of is asked of CloudFormation where a command needs it.
 */
export const openDeployedTarget = async (
  stage: string,
  region: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Target> => {
  if (!STAGE_FORM.test(stage)) {
    throw new CommandFailure(`--stage: expected letters, digits and "-", came ${JSON.stringify(stage)}`);
  }
  const settings = region === undefined ? {} : { region };
  // An emulator cannot be asked for by a host name a bucket.
  const forcePathStyle = Boolean(environment["AWS_ENDPOINT_URL_S3"] || environment["AWS_ENDPOINT_URL"]);
  const clients = {
    dynamodb: new DynamoDBClient(settings),
    sqs: new SQSClient(settings),
    s3: new S3Client({ ...settings, forcePathStyle }),
  };
  const cloudFormation = new CloudFormationClient(settings);
  const outputs = stackOutputs(cloudFormation, stage);
  return {
    name: `stage ${stage}`,
    isEmbedded: false,
    stage,
    region,
    clients,
    find: async (output) => (await outputs(OUTPUTS[output])).get(output),
    [Symbol.dispose]: () => {
      for (const client of [...Object.values(clients), cloudFormation]) client.destroy();
    },
  };
};
