/** Who signs. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Where a service answers, and as whom it is asked. */
export interface ServiceAccess {
  readonly region: string;
  /** A server to use instead of the service's own of the region; undefined: the service's own. */
  readonly endpoint?: string | undefined;
  /** Asked before each try: it may give others each time. */
  readonly credentials: () => AwsCredentials | Promise<AwsCredentials>;
}
