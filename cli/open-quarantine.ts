import type { RedriveDependencies } from "../shared/app/quarantine/redrive-event.ts";
import type { TenantId } from "../shared/contract/identifiers.ts";
import { positionOfQuarantineId, type QuarantinePosition } from "../shared/domain/quarantine.ts";
import { hasExpired } from "../shared/domain/retention.ts";
import type { QuarantinedMessage, QuarantineStore } from "../shared/ports/quarantine-store.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandIo } from "./command-group.ts";
import { openStores } from "./open-stores.ts";
import type { Target } from "./target.ts";

/** The stores of the stack that redriving needs. */
export const openQuarantine = (target: Target, io: CommandIo): Promise<RedriveDependencies> => openStores(target, io);

/** Whose quarantine this is, for people. */
export const nameOf = (tenantId: TenantId | undefined): string =>
  tenantId === undefined ? "the operator's quarantine" : `the quarantine of tenant ${tenantId}`;

/** The position that an id names. Throws CommandFailure for what is no id. */
export const placeOf = (id: string): QuarantinePosition => {
  const position = positionOfQuarantineId(id);
  if (position === undefined) throw new CommandFailure(`expected an id of the list, came ${JSON.stringify(id)}`);
  return position;
};

/** That there is nothing of this id. */
export const noSuchMessage = (id: string, tenantId: TenantId | undefined): CommandFailure =>
  new CommandFailure(`${nameOf(tenantId)} has no ${id}${tenantId === undefined ? "; a tenant's needs --tenant" : ""}`);

/** The message that an id names. Throws CommandFailure where there is none, or no more. */
export const findMessage = async (
  quarantine: QuarantineStore,
  of: { readonly id: string; readonly tenantId: TenantId | undefined },
  now: number,
): Promise<QuarantinedMessage> => {
  const found = await quarantine.find(of.tenantId, placeOf(of.id));
  if (found === undefined || hasExpired(found.expiresAt, now)) throw noSuchMessage(of.id, of.tenantId);
  return found;
};
