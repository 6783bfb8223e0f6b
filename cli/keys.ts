import * as v from "valibot";
import { admitApiKey, type KeyPolicy, keyIdOf, newApiKey, sha256Of } from "../shared/app/keys/api-keys.ts";
import { revokeApiKey } from "../shared/app/keys/revoke-api-key.ts";
import { TenantId } from "../shared/contract/identifiers.ts";
import { SCOPES } from "../shared/contract/routes.ts";
import { dynamoCredentialStore } from "../shared/dynamodb/dynamo-credential-store.ts";
import { dynamoTenantStore } from "../shared/dynamodb/dynamo-tenant-store.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { chooseCommand, optionalOption, parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { keyJson, keyTable } from "./key-listing.ts";
import { openTarget } from "./open-target.ts";
import { openTable, type Target } from "./target.ts";
import { findPlans, limitOf } from "./tenant-limit.ts";

const HELP = `API keys: who may call the API, for which tenant, and what for.

  npm run cli -- keys create --tenant T --scopes ingest,read [--name N] [--expires-in-days 90] [--json]
      Makes a key and shows it, this once: Runstone keeps its SHA-256 alone.
        --scopes           of ${SCOPES.join(", ")}; separated by commas
        --name             what people call it, for the list
        --expires-in-days  without it the key does not expire
  npm run cli -- keys list [--tenant T] [--json]
      Keys of a tenant or of all, with the day (UTC) of their last use, and whether they are good, revoked, expired or
      older than the stage accepts. Keys themselves are not shown.
  npm run cli -- keys revoke <key id>
      Takes a key back. The list shows key ids.

Without more it works on the embedded stack (npm start). For a deployed one: --stage NAME [--region R].`;

const DAY_MS = 86_400_000;
const DAYS = "expected a whole number of days from 1 to 36500";

const Days = v.pipe(v.string(), v.regex(/^[1-9]\d{0,4}$/, DAYS), v.transform(Number), v.maxValue(36_500, DAYS));
const Name = v.pipe(v.string(), v.regex(/^[^\p{Cc}]{1,128}$/u, "expected 1 to 128 characters, no control characters"));
/** Each scope once, in the order of the contract. */
const ScopeList = v.pipe(
  v.string(),
  v.transform((text) => text.split(",").map((scope) => scope.trim())),
  v.array(v.picklist(SCOPES, ({ received }) => `there is no scope ${received} (scopes are ${SCOPES.join(", ")})`)),
  v.transform((scopes) => SCOPES.filter((scope) => scopes.includes(scope))),
);

const DaysOutput = v.optional(v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number)));

/** What the stage asks of keys. */
const keyPolicyOf = async (target: Target): Promise<KeyPolicy> => ({
  longestKeyDays: v.parse(DaysOutput, await target.find("LongestKeyDays")),
});

/** What to do about a tenant that shares the limit of all that were not admitted; undefined where it does not. */
const adviceOnLimits = async (target: Target, tenantId: TenantId): Promise<string | undefined> => {
  const plans = await findPlans(target);
  if (plans === undefined) return undefined;
  const tenant = await dynamoTenantStore(await openTable(target)).find(tenantId);
  if (limitOf(tenant, plans) !== "shared") return undefined;
  const why = tenant === undefined ? "was not admitted" : `was admitted to a plan that ${target.name} no longer has`;
  const where = `--stage ${target.stage}${target.region === undefined ? "" : ` --region ${target.region}`}`;
  return `Tenant ${tenantId} ${why}: it shares the limit of all that were not. For its own: npm run cli -- tenants admit --tenant ${tenantId} ${where}`;
};

const newKeyText = (
  key: string,
  shown: ReturnType<typeof keyJson>,
  { target, policy: { longestKeyDays } }: { readonly target: Target; readonly policy: KeyPolicy },
): string => {
  const limit = longestKeyDays === undefined ? "" : ` (${target.name} refuses keys older than ${longestKeyDays} days)`;
  return `A new key of tenant ${shown.tenant_id}. It is shown this once: Runstone keeps its SHA-256 alone.

${key}

key id   ${shown.key_id}
scopes   ${shown.scopes.join(", ")}
name     ${shown.name || "-"}
expires  ${shown.expires_at ?? "never"}${limit}`;
};

const create = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const text = { type: "string" } as const;
  const options = { ...TARGET_OPTIONS, tenant: text, scopes: text, name: text, "expires-in-days": text };
  const { values } = parseCommand(args, { ...options, json: { type: "boolean" } });
  const tenantId = requiredOption("tenant", TenantId, values.tenant);
  const scopes = requiredOption("scopes", ScopeList, values.scopes);
  const name = optionalOption("name", Name, values.name) ?? "";
  const days = optionalOption("expires-in-days", Days, values["expires-in-days"]);

  using target = await openTarget(values, io.environment);
  const credentials = dynamoCredentialStore(await openTable(target));
  const policy = await keyPolicyOf(target);
  const advice = await adviceOnLimits(target, tenantId);
  const key = newApiKey();
  const createdAt = io.now();
  const expiresAt = days === undefined ? undefined : createdAt + days * DAY_MS;
  const credential = { tenantId, scopes, name, createdAt, expiresAt };
  await admitApiKey(credentials, key, credential);

  const stored = { ...credential, sha256: sha256Of(key), revokedAt: undefined, lastUsedOn: undefined };
  const shown = keyJson(stored, { now: createdAt, policy });
  const told = values.json ? JSON.stringify({ key, ...shown }, null, 2) : newKeyText(key, shown, { target, policy });
  io.print(told);
  if (advice !== undefined) io.note(advice);
};

const list = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values } = parseCommand(args, { ...TARGET_OPTIONS, tenant: { type: "string" }, json: { type: "boolean" } });
  const tenantId = optionalOption("tenant", TenantId, values.tenant);

  using target = await openTarget(values, io.environment);
  const keys = await dynamoCredentialStore(await openTable(target)).list(tenantId);
  const by = { now: io.now(), policy: await keyPolicyOf(target) };

  if (values.json) return io.print(JSON.stringify({ data: keys.map((key) => keyJson(key, by)) }, null, 2));
  const whose = tenantId === undefined ? target.name : `tenant ${tenantId}`;
  io.print(keys.length === 0 ? `There are no keys of ${whose}.` : keyTable(keys, by));
};

/** Until when a revoked key may still be let in. */
const effectOn = ({ isEmbedded }: Target): string =>
  isEmbedded
    ? "It is refused from now on."
    : "It is refused once API Gateway forgets what it remembers of it: within 60 seconds, or what the stage sets.";

const revoke = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values, positionals } = parseCommand(args, TARGET_OPTIONS, ["key id"]);
  const [keyId = ""] = positionals;

  using target = await openTarget(values, io.environment);
  const revocation = await revokeApiKey(dynamoCredentialStore(await openTable(target)), keyId, io.now());

  if (revocation.kind === "unknown") throw new CommandFailure(`${target.name} has no key ${JSON.stringify(keyId)}`);
  if (revocation.kind === "ambiguous") {
    const digests = revocation.credentials.map(({ sha256 }) => sha256).join(", ");
    throw new CommandFailure(`${keyId} is the id of several keys; name one by its whole SHA-256: ${digests}`);
  }
  const { credential, revokedAt, kind } = revocation;
  const key = `Key ${keyIdOf(credential.sha256)} of tenant ${credential.tenantId}`;
  const since = new Date(revokedAt).toISOString();
  io.print(
    kind === "revoked"
      ? `${key} is revoked. ${effectOn(target)}`
      : `${key} was revoked before, on ${since}; nothing has changed.`,
  );
};

/** `keys create`, `keys list`, `keys revoke`. */
export const keysGroup: CommandGroup = {
  name: "keys",
  summary: "make, list and revoke API keys",
  help: HELP,
  run: async (args, io) => {
    const { command, rest } = chooseCommand("keys", { create, list, revoke }, args);
    await command(rest, io);
  },
};
