import * as v from "valibot";
import { TenantId } from "../../contract/identifiers.ts";
import { REDACTED_JSON } from "../../domain/redaction/redact-value.ts";
import { redactorOf } from "../../domain/redaction/redaction.ts";
import { rulesOfTenants } from "../../domain/redaction/redaction-rules.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import { isObjectText } from "./redact-event.ts";

const NAMED = /"tenant_id"\s*:\s*"([^"\\]{1,128})"/g;
/** A message that names more is nobody's work: nothing of it is kept. */
const MOST_TENANTS = 20;

const tenantsNamedIn = (message: string): TenantId[] => {
  const named = new Set<TenantId>();
  for (const [, text] of message.matchAll(NAMED)) {
    const tenantId = v.safeParse(TenantId, text);
    if (tenantId.success) named.add(tenantId.output);
    if (named.size > MOST_TENANTS) break;
  }
  return [...named];
};

/** Takes out of a body what must not be kept. */
export type BodyRedactor = (body: { readonly text: string; readonly isEvent: boolean }) => string;

/**
 * For what names no tenant in a message that names some elsewhere: it may belong to any of those. An event is redacted
 * by the rules of all of them together; a body in which nobody can say where values are becomes `"***"`. Throws
 * StoreFault.
 */
export const unnamedRedactor = async (settings: SettingsStore, message: string): Promise<BodyRedactor> => {
  const named = tenantsNamedIn(message);
  if (named.length > MOST_TENANTS) return () => REDACTED_JSON;
  const tenants = await Promise.all(named.map((tenantId) => settings.ofTenant(tenantId)));
  const rules = rulesOfTenants(tenants);
  if (rules === undefined) return ({ text }) => text;
  // Nothing refers to the digests of a body that is no tenant's: any of the secrets keys them.
  const secret = (await Promise.all(named.map((tenantId) => settings.secretOf(tenantId)))).find(
    (one) => one !== undefined,
  );
  if (secret === undefined) throw new Error("expected a secret of a tenant that has rules, came none");
  const redactor = redactorOf(rules, secret);
  return ({ text, isEvent }) => (isEvent && isObjectText(text) ? redactor.event(text).text : REDACTED_JSON);
};
