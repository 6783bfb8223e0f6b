/** The CDK app: `cdk deploy --all` deploys the stage `dev`, `-c stage=<name>` another one of `infra/stages/`. */
import { existsSync } from "node:fs";
import path from "node:path";
import { App, Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { runstone } from "./runstone.ts";
import { readSettings } from "./settings.ts";

const app = new App();
const stage = String(app.node.tryGetContext("stage") ?? "dev");
const file = path.join(import.meta.dirname, "stages", `${stage}.ts`);
if (!/^[a-z][a-z0-9-]{0,20}$/.test(stage) || !existsSync(file)) {
  console.error(`There is no stage "${stage}": write its settings to infra/stages/${stage}.ts (dev.ts is an example).`);
  process.exit(1);
}
const { settings } = (await import(file)) as { settings: unknown };
try {
  runstone(app, stage, readSettings(stage, settings));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
Tags.of(app).add("runstone:stage", stage);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
