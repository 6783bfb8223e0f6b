import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/** A bucket that nobody but its roles can reach, encrypted, over TLS only, and kept when its stack goes. */
export class PrivateBucket extends Bucket {
  constructor(scope: Construct, id: string, props: { readonly lifecycleRules: readonly LifecycleRule[] }) {
    super(scope, id, {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...props.lifecycleRules,
      ],
    });
    Validations.of(this).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Only the functions' roles read these objects, and each request to them is in the API's access log; who wants " +
        "the objects' own log too turns on CloudTrail data events.",
    });
  }
}
