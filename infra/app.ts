import { App } from "aws-cdk-lib";
import { DataStack } from "./stacks/data-stack.ts";

const app = new App();
new DataStack(app, "RunstoneData", { description: "Runstone: the ledger's table and its payload objects" });
