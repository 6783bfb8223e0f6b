import { fromEnv } from "@aws-sdk/credential-provider-env";

/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles, by an alias of the bundler: the SDK's clients import
 * these three from there. A Lambda has its credentials in its environment; the files, profiles, single sign-on and
 * metadata services that the SDK would search as well are 130 KiB and a third of the time that a function takes to load.
 */

type Credentials = Awaited<ReturnType<ReturnType<typeof fromEnv>>>;

/** What it takes for "soon" in {@link credentialsTreatedAsExpired}: as the SDK does. */
const SOON_MS = 300_000;

/** Credentials of the environment, read at each use. It fails where there are none. */
export const defaultProvider = (init: Parameters<typeof fromEnv>[0] = {}): (() => Promise<Credentials>) =>
  fromEnv(init);

/** Whether credentials end at some time. */
export const credentialsWillNeedRefresh = (credentials: Credentials | undefined): boolean =>
  credentials?.expiration !== undefined;

/** Whether credentials have ended or are about to. */
export const credentialsTreatedAsExpired = (credentials: Credentials | undefined): boolean =>
  credentials?.expiration !== undefined && credentials.expiration.getTime() - Date.now() < SOON_MS;
