import * as v from "valibot";
import { positionOfQuarantineId } from "../../shared/domain/quarantine.ts";

/** A place in a quarantine, by the id of what stands there. */
export const QuarantinePlace = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const position = positionOfQuarantineId(dataset.value);
    if (position !== undefined) return position;
    addIssue({ message: "expected an id of the quarantine" });
    return NEVER;
  }),
);
