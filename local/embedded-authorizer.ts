/** The authorizer of the embedded stack: keys, and tokens where the environment names an issuer, as in a deployment. */
import { type AuthorizeDependencies, authorizeFunction } from "../functions/authorize/authorize.ts";
import { authorizeSettings } from "../functions/authorize/authorize-settings.ts";
import { type Table, tableOf } from "../shared/dynamodb/document-client.ts";
import type { AwsClients } from "./aws-clients.ts";
import type { AuthorizeFunction } from "./front-authorizer.ts";
import { StartFailure } from "./start-failure.ts";

/** Throws StartFailure where a variable (`OIDC`, `LONGEST_KEY_DAYS`, `USAGE_KEYS`, `USAGE_PLANS`) is not valid. */
export function embeddedAuthorizer(
  dependencies: AuthorizeDependencies,
  on: { dynamodb: AwsClients["dynamodb"]; tableName: string },
  environment: Readonly<Record<string, string | undefined>>,
): AuthorizeFunction {
  return authorizeFunction(dependencies, settingsOf(environment, tableOf(on.dynamodb, on.tableName)));
}

function settingsOf(environment: Readonly<Record<string, string | undefined>>, table: Table) {
  try {
    return authorizeSettings(environment, table);
  } catch (cause) {
    throw new StartFailure(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
