/**
 * How a client of the AWS SDK waits: three tries, each given up after its time. Three of two seconds fit into the time
 * that an entry has to become durable. Without `throwOnRequestTimeout` the SDK only logs a warning and waits on.
 */
export const sdkRequests = () => ({
  requestHandler: { requestTimeout: 2000, connectionTimeout: 1000, throwOnRequestTimeout: true },
  maxAttempts: 3,
});
