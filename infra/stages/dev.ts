import type { StageSettings } from "../settings.ts";

/** The stage that is deployed where none is named: all defaults. */
export const settings: StageSettings = {};
