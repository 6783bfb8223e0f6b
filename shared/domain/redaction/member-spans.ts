import { afterSpace, afterString, afterValue } from "../../contract/json-text.ts";
import { stringAt } from "./redact-value.ts";

/** A member of a JSON object: its decoded name, and where name and value stand in the text. */
export interface MemberSpan {
  readonly name: string;
  readonly nameFrom: number;
  readonly nameTo: number;
  readonly from: number;
  readonly to: number;
}

const QUOTE = 34;
const COMMA = 44;

/** The members of the JSON object that begins at `from`, in order, and how deep it nests (the object itself is 1). */
export const memberSpans = (text: string, from: number): { spans: MemberSpan[]; depth: number } => {
  const spans: MemberSpan[] = [];
  let depth = 0;
  let at = afterSpace(text, text.indexOf("{", from) + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const nameTo = afterString(text, at);
    const valueFrom = afterSpace(text, afterSpace(text, nameTo) + 1);
    const value = afterValue(text, valueFrom);
    depth = Math.max(depth, value.depth);
    spans.push({ name: stringAt(text, at, nameTo), nameFrom: at, nameTo, from: valueFrom, to: value.end });
    at = afterSpace(text, value.end);
    if (text.charCodeAt(at) === COMMA) at = afterSpace(text, at + 1);
  }
  return { spans, depth: depth + 1 };
};
