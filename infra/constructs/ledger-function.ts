import path from "node:path";
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundleFunction, type FunctionName } from "../../build/bundle.ts";

/** How a function runs. */
export interface LedgerFunctionProps {
  readonly functionName: FunctionName;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  /** 1,769 MB are one processor. */
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** How many run at once at the most, kept free for it; undefined: what the account has. */
  readonly concurrency?: number | undefined;
  readonly logDays: RetentionDays;
}

const BUNDLES = path.resolve(import.meta.dirname, "../../cdk.out/bundles");

const made = new Map<FunctionName, string>();

/** The folder of a function's bundle, made once a process. */
const bundleOf = (name: FunctionName): string => {
  const directory = made.get(name) ?? bundleFunction(name, BUNDLES).directory;
  made.set(name, directory);
  return directory;
};

/** A Lambda function with a role and a log group of its own. Until it is allowed more, it may write its log. */
export class LedgerFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: LedgerFunctionProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, "Log", { retention: props.logDays, removalPolicy: RemovalPolicy.DESTROY });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `Runs the function ${props.functionName} of ${Stack.of(this).stackName}`,
    });
    this.logGroup.grantWrite(role);
    this.function = new LambdaFunction(this, "Function", {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundleOf(props.functionName)),
      handler: "index.handler",
      memorySize: props.memoryMb,
      timeout: Duration.seconds(props.timeoutSeconds),
      ...(props.concurrency === undefined ? {} : { reservedConcurrentExecutions: props.concurrency }),
      environment: { ...props.environment },
      role,
      logGroup: this.logGroup,
    });
  }

  /** Allows actions on resources, and nothing beyond. */
  allow(actions: readonly string[], resources: readonly string[], conditions: Record<string, unknown> = {}): void {
    const statement = new PolicyStatement({ actions: [...actions], resources: [...resources], conditions });
    this.function.addToRolePolicy(statement);
  }
}
