/** Where the servers are that Jest's global set-up started. */
export function testEndpoints(): { dynamodb: string; sqs: string; s3: string } {
  const endpointOf = (service: string): string => {
    const endpoint = process.env[`RUNSTONE_TEST_${service}`];
    if (endpoint === undefined)
      throw new Error(`RUNSTONE_TEST_${service} is not set: run this with Jest's global set-up`);
    return endpoint;
  };
  return { dynamodb: endpointOf("DYNAMODB"), sqs: endpointOf("SQS"), s3: endpointOf("S3") };
}
