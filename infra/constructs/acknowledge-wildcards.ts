import { Stack, Validations } from "aws-cdk-lib";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { LedgerFunction } from "./ledger-function.ts";

/** Says why a function's role is allowed exactly this resource with a `*` in it. */
export const acknowledgeWildcard = (of: LedgerFunction, resource: string, reason: string): void => {
  Validations.of(of).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
};

/** How cdk-nag names a bucket: by its export where another stack holds it, else by its logical id. */
const nameOf = (of: LedgerFunction, bucket: Bucket): string => {
  const home = Stack.of(bucket);
  if (home === Stack.of(of))
    return `<${(home.resolve(bucket.bucketArn) as { "Fn::GetAtt": string[] })["Fn::GetAtt"].join(".")}>`;
  return (home.resolve(home.exportValue(bucket.bucketArn)) as { "Fn::ImportValue": string })["Fn::ImportValue"];
};

/** Says why a function may use every object of a bucket whose key is like this. */
export const acknowledgeObjects = (
  of: LedgerFunction,
  bucket: Bucket,
  { keys, reason }: { readonly keys: string; readonly reason: string },
): void => acknowledgeWildcard(of, `${nameOf(of, bucket)}/${keys}`, reason);
