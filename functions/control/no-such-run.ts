import { type Refusal, refuse } from "../../shared/lambda/answer.ts";

/** Of another tenant, expired, never there: one answer for all. */
export const NO_SUCH_RUN: Refusal = refuse("NOT_FOUND", "there is no run of this id");
