import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { credentialOf, KEY_PREFIX, type KeyPolicy, keyIdOf, recordKeyUse } from "../../shared/app/keys/api-keys.ts";
import type { Grant } from "../../shared/domain/grant.ts";
import type { Log } from "../../shared/lambda/log.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { CredentialStore, StoredCredential } from "../../shared/ports/credential-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import type { TenantStore } from "../../shared/ports/tenant-store.ts";
import type { TokenVerifier } from "../../shared/ports/token-verifier.ts";
import { bearerCredential } from "./bearer-credential.ts";

/** What the authorizer stands on. */
export interface AuthorizeDependencies {
  readonly credentials: CredentialStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a deployment asks of credentials beyond that they are good. */
export interface AuthorizeSettings {
  readonly keyPolicy?: KeyPolicy;
  /** Undefined: only keys are credentials. */
  readonly tokens?: TokenVerifier | undefined;
  /** Undefined: requests are not counted by tenant. */
  readonly limits?: TenantLimits | undefined;
}

/** By what API Gateway counts a tenant's requests. */
export interface TenantLimits {
  readonly tenants: Pick<TenantStore, "find">;
  /** Names of the usage plans that the stage has. */
  readonly plans: readonly string[];
  /** The key in API Gateway that all tenants share which were not admitted, or to a plan that is gone. */
  readonly sharedUsageKey: string;
}

const ANY_AGE: KeyPolicy = { longestKeyDays: undefined };

/** A credential that is good: what it allows, and whose it is, for the audit log. */
interface Admission {
  readonly grant: Grant;
  readonly speaker: string;
}

/** A subject is of the issuer's making: so much of it is enough to know it by. */
const MOST_SUBJECT_CHARACTERS = 128;

/** Three parts, as every signed token has. */
const TOKEN_FORM = /^[^.]+\.[^.]+\.[^.]+$/;

/** API Gateway answers 401 to exactly this error, and 500 to any other. */
const unauthorized = (): Error => new Error("Unauthorized");

/** Allows the whole stage, not the one route: the answer is cached for all of them. Scopes are checked by the functions. */
const stageOf = (methodArn: string): string => `${methodArn.split("/").slice(0, 2).join("/")}/*`;

/** API Gateway hands every value on as text, and the functions hold the request to `expires_at` while this is cached. */
const contextOf = ({ grant, speaker }: Admission): Record<string, string> => ({
  tenant_id: grant.tenantId,
  scopes: grant.scopes.join(" "),
  speaker,
  ...(grant.expiresAt === undefined ? {} : { expires_at: String(grant.expiresAt) }),
});

/**
 * Turns a credential, key or token, into tenant and scopes; nothing else sets the tenant. What is wrong is refused; where
 * a credential cannot be checked, the fault is logged and thrown, and nobody is let in.
 */
export const authorizeFunction = (dependencies: AuthorizeDependencies, settings: AuthorizeSettings = {}) => {
  const { credentials, clock, log } = dependencies;
  const { keyPolicy = ANY_AGE, tokens, limits } = settings;

  const noteUse = async (credential: StoredCredential, requestId: string): Promise<void> => {
    try {
      await recordKeyUse(credentials, credential, clock.now());
    } catch (error) {
      if (!(error instanceof StoreFault)) throw error;
      // Bookkeeping refuses nobody: the next request of the day notes the use.
      log({ level: "warn", message: "last use of a key was not noted", request_id: requestId, error });
    }
  };

  const admit = async (credential: string, requestId: string): Promise<Admission | undefined> => {
    const now = clock.now();
    if (credential.startsWith(KEY_PREFIX)) {
      const found = await credentialOf(credentials, credential, { now, policy: keyPolicy });
      if (found === undefined) return undefined;
      await noteUse(found, requestId);
      return { grant: found, speaker: `key ${keyIdOf(found.sha256)}` };
    }
    if (tokens === undefined || !TOKEN_FORM.test(credential)) return undefined;
    const verdict = await tokens.verify(credential, now);
    if (verdict.kind === "granted") {
      const subject = verdict.subject?.slice(0, MOST_SUBJECT_CHARACTERS) ?? "without subject";
      return { grant: verdict.grant, speaker: `token ${subject}` };
    }
    log({ level: "info", message: "token refused", request_id: requestId, reason: verdict.reason });
    return undefined;
  };

  const usageKeyOf = async ({ tenants, plans, sharedUsageKey }: TenantLimits, grant: Grant): Promise<string> => {
    const tenant = await tenants.find(grant.tenantId);
    // A key that is in no plan of the stage is refused by API Gateway, whoever it is of.
    return tenant !== undefined && plans.includes(tenant.plan) ? tenant.usageKey : sharedUsageKey;
  };

  return async (event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    const { requestId } = event.requestContext;
    const credential = bearerCredential(event);
    if (credential === undefined) throw unauthorized();
    let admission: Admission | undefined;
    let usageKey: string | undefined;
    try {
      admission = await admit(credential, requestId);
      if (admission !== undefined && limits !== undefined) usageKey = await usageKeyOf(limits, admission.grant);
    } catch (error) {
      log({ level: "error", message: "a credential could not be checked", request_id: requestId, error });
      throw error;
    }
    if (admission === undefined) throw unauthorized();
    return {
      principalId: admission.grant.tenantId,
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: stageOf(event.methodArn) }],
      },
      context: contextOf(admission),
      ...(usageKey === undefined ? {} : { usageIdentifierKey: usageKey }),
    };
  };
};
