import type { AppId, TenantId } from "../../contract/identifiers.ts";
import { type Redacted, type Redactor, redactorOf } from "../../domain/redaction/redaction.ts";
import { type RedactionRules, rulesOfApp, rulesOfTenant } from "../../domain/redaction/redaction-rules.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";

/** Redacts events of one app of a tenant that has rules. */
export interface AppRedactor {
  /**
   * `isAnyones`: the rules of some app of the tenant touch the event. An event whose app becomes known only later is so
   * from the beginning, which its identity hangs on.
   */
  event(text: string): Redacted & { readonly isAnyones: boolean };
  /** A text beside an event, such as the path of an error. */
  words(text: string): string;
  /** Keys digests of what came. */
  readonly secret: string;
}

/** The redactor of an app; of the tenant's rules together where the app is not known. */
export type TenantRedactors = (appId: AppId | undefined) => AppRedactor;

const AS_IT_IS: Redactor = { event: (text) => ({ text, fields: [] }), words: (text) => text };

/** The redactors of a tenant by its settings as they are now; undefined where it has no rules. Throws StoreFault. */
export const tenantRedactors = async (
  settings: SettingsStore,
  tenantId: TenantId,
): Promise<TenantRedactors | undefined> => {
  const tenant = await settings.ofTenant(tenantId);
  const rules = rulesOfTenant(tenant);
  if (rules === undefined) return undefined;
  const secret = await settings.secretOf(tenantId);
  if (secret === undefined) throw new Error("expected a secret of a tenant that has rules, came none");

  const known = new Map<string, Redactor>();
  const redactorFor = (some: RedactionRules | undefined): Redactor => {
    if (some === undefined) return AS_IT_IS;
    const name = JSON.stringify(some);
    const redactor = known.get(name) ?? redactorOf(some, secret);
    known.set(name, redactor);
    return redactor;
  };
  const everyones = redactorFor(rules);

  return (appId) => {
    const own = appId === undefined ? everyones : redactorFor(rulesOfApp(tenant, appId));
    return {
      event: (text) => {
        const redacted = own.event(text);
        const isAnyones = redacted.fields.length > 0 || (own !== everyones && everyones.event(text).fields.length > 0);
        return { ...redacted, isAnyones };
      },
      words: own.words,
      secret,
    };
  };
};
