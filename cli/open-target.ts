import { CommandFailure } from "./command-failure.ts";
import { openDeployedTarget } from "./deployed-target.ts";
import { openEmbeddedTarget } from "./embedded-target.ts";
import type { Target } from "./target.ts";

/** The deployed stage that is named, else the embedded stack. Throws CommandFailure where it is not there. */
export const openTarget = (
  of: { readonly stage?: string | undefined; readonly region?: string | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Target> => {
  const { stage, region } = of;
  if (stage !== undefined) return openDeployedTarget(stage, region, environment);
  if (region !== undefined) throw new CommandFailure("--region is of a deployed stage; name it with --stage");
  return openEmbeddedTarget(environment);
};
