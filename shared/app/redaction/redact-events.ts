import * as v from "valibot";
import { AppId, Id, RunId, type RunKey, type TenantId } from "../../contract/identifiers.ts";
import { membersOf } from "../../contract/json-text.ts";
import { REDACTED_JSON } from "../../domain/redaction/redact-value.ts";
import type { RunStore } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import { appOfRun } from "../record/app-of-run.ts";
import type { ReceivedEvent } from "../record/received-event.ts";
import { sideBySide } from "../side-by-side.ts";
import { isObjectText, type RedactedEvent, redactEvent } from "./redact-event.ts";
import { type TenantRedactors, tenantRedactors } from "./tenant-redactors.ts";

/** The stores that tell what must not be kept. */
export interface RedactStores {
  readonly settings: SettingsStore;
  readonly runs: Pick<RunStore, "find">;
}

/** Runs whose app is looked up at a time. */
const RUNS_AT_A_TIME = 16;

/** Nothing of it may be kept, because nobody knows what must not be. */
const unavailable = ({ tenantId, reading }: ReceivedEvent, error: unknown): RedactedEvent => {
  const fault =
    error instanceof StoreFault
      ? error
      : new StoreFault("the event could not be redacted", { cause: error, isRetryable: true });
  const { id, runId } = reading.ok ? reading.event : reading;
  const named = { id: v.is(Id, id) ? id : undefined, runId: v.is(RunId, runId) ? runId : undefined };
  return { tenantId, text: REDACTED_JSON, redaction: undefined, reading: { status: "unavailable", ...named, fault } };
};

/** The app that an event names itself, refused or not. */
const appNamedBy = ({ reading, text }: ReceivedEvent): AppId | undefined => {
  if (reading.ok) return reading.event.appId;
  if (reading.code === "NOT_JSON" || !isObjectText(text)) return undefined;
  const named = membersOf(text).members.findLast(([name]) => name === "app_id")?.[1];
  const appId = v.safeParse(AppId, named?.startsWith('"') ? JSON.parse(named) : undefined);
  return appId.success ? appId.output : undefined;
};

/** Events of one run, by their places. */
interface Group {
  readonly redactors: TenantRedactors;
  /** Undefined: they name no run that could be. */
  readonly run: RunKey | undefined;
  readonly places: number[];
}

const runOf = ({ tenantId, reading }: ReceivedEvent): RunKey | undefined => {
  if (reading.ok) return { tenantId, runId: reading.event.runId };
  const runId = v.safeParse(RunId, reading.runId);
  return runId.success ? { tenantId, runId: runId.output } : undefined;
};

/** Redacts events of one run. Its header is read only where an event names no app, and no other of the run does. */
const redactRun = async (
  { runs }: RedactStores,
  { redactors, run }: Group,
  received: readonly ReceivedEvent[],
): Promise<RedactedEvent[]> => {
  const apps = received.map(appNamedBy);
  const events = received.flatMap(({ reading }) => (reading.ok ? [reading.event] : []));
  const isAppWanted = run !== undefined && apps.includes(undefined);
  const appId = isAppWanted ? await appOfRun(runs, run, events) : undefined;
  return received.map((one, place) => {
    try {
      return redactEvent(one, redactors(apps[place] ?? appId));
    } catch (error) {
      // What is wrong with one event, in us too, must not take the others with it.
      return unavailable(one, error);
    }
  });
};

/** The redactors of a tenant, undefined where it has no rules; or the error where they are not to be had. */
type FoundRedactors = { readonly redactors: TenantRedactors | undefined } | { readonly error: unknown };

const redactorsOf = async (
  { settings }: RedactStores,
  tenants: ReadonlySet<TenantId>,
): Promise<Map<TenantId, FoundRedactors>> => {
  const find = (tenantId: TenantId): Promise<FoundRedactors> =>
    tenantRedactors(settings, tenantId).then(
      (redactors) => ({ redactors }),
      (error: unknown) => ({ error }),
    );
  return new Map(await Promise.all(Array.from(tenants, async (id) => [id, await find(id)] as const)));
};

/**
 * Takes out of events what the rules of their apps say must not be kept: of the app that the event names, else of the
 * run's, else, where that is not known, of all the tenant's apps together. One answer an event, in their order; an event
 * whose rules a store did not tell is `unavailable`. A tenant without rules pays a look at its settings.
 */
export const redactEvents = async (
  stores: RedactStores,
  received: readonly ReceivedEvent[],
): Promise<RedactedEvent[]> => {
  const tenants = await redactorsOf(stores, new Set(received.map(({ tenantId }) => tenantId)));
  const redacted = new Map<number, RedactedEvent>();
  const groups = new Map<string, Group>();
  for (const [place, one] of received.entries()) {
    const found = tenants.get(one.tenantId) ?? { error: undefined };
    if ("error" in found) redacted.set(place, unavailable(one, found.error));
    else if (found.redactors === undefined) redacted.set(place, redactEvent(one, undefined));
    else {
      const run = runOf(one);
      const name = `${one.tenantId}#${run?.runId ?? ""}`;
      const group = groups.get(name) ?? { redactors: found.redactors, run, places: [] };
      group.places.push(place);
      groups.set(name, group);
    }
  }
  await sideBySide(groups.values(), RUNS_AT_A_TIME, async (group) => {
    const some = group.places.map((place) => received[place] as ReceivedEvent);
    const events = await redactRun(stores, group, some).catch((error: unknown) =>
      some.map((one) => unavailable(one, error)),
    );
    for (const [index, event] of events.entries()) redacted.set(group.places[index] as number, event);
  });
  return received.map((_, place) => redacted.get(place) as RedactedEvent);
};
