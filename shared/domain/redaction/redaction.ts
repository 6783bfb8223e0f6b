import { canonicalJson } from "../../contract/canonical-json.ts";
import { MAX_DEPTH } from "../../contract/event.ts";
import { uploadNamedBy } from "../../contract/upload-reference.ts";
import { detectorOf } from "./detectors.ts";
import { type Treatment, treatmentOf } from "./event-treatment.ts";
import { type Edit, withEdits } from "./json-edits.ts";
import { type MemberSpan, memberSpans } from "./member-spans.ts";
import { pathMatcher } from "./path-matcher.ts";
import { isMetadataOnly, metadataOnly } from "./payload-digest.ts";
import { nameGiver, REDACTED_JSON, redactValue, type ValueRules } from "./redact-value.ts";
import type { RedactionRules } from "./redaction-rules.ts";

/** An event without what must not be kept. */
export interface Redacted {
  /** Its JSON: what matched is replaced, all else is byte for byte as it came. */
  readonly text: string;
  /** The fields that are not as they came. */
  readonly fields: readonly string[];
}

/** Takes out of events what rules say. The same event comes out the same, and once more changes nothing. */
export interface Redactor {
  /** `text` is the JSON of an object. One that is deeper than an event may be becomes `"***"`. */
  event(text: string): Redacted;
  /** A text beside an event, such as the path of an error: what detectors leave of it. */
  words(text: string): string;
}

const NULL = "null";
const UPLOAD_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** A reference to an upload says nothing of what it refers to; whoever records the event decides whether it may. */
const isReference = (value: string): boolean => UPLOAD_ID.test(uploadNamedBy(value) ?? "");

/** A value of metadata that is longer, or holds others, counts as payload (characters). */
const LONGEST_SCALAR = 1024;

const isScalar = (value: string): boolean => !/^[{[]/.test(value) && canonicalJson(value).length <= LONGEST_SCALAR;

/** A value without the escapes that a string does not need. */
const plain = (value: string): string =>
  value.startsWith('"') && value.includes("\\") ? JSON.stringify(JSON.parse(value)) : value;

/** What becomes of a field. It can be touched and need no edit: then there is nothing left to take away. */
interface FieldChange {
  readonly edits: readonly Edit[];
  readonly isTouched: boolean;
}

const UNTOUCHED: FieldChange = { edits: [], isTouched: false };

const changeBy = (edits: readonly Edit[]): FieldChange => ({ edits, isTouched: edits.length > 0 });

/** Leaves only size and digest of values. */
const payloadReducer = (secret: string) => {
  const value = (text: string, { from, to }: MemberSpan): FieldChange => {
    const sent = text.slice(from, to);
    if (isMetadataOnly(sent)) return { edits: [], isTouched: true };
    return changeBy([{ from, to, text: metadataOnly(sent, secret) }]);
  };

  /** Metadata is told in numbers and words: what is larger in it is payload. `edits` are those that it needs anyway. */
  const metadata = (text: string, { from }: MemberSpan, edits: readonly Edit[]): FieldChange => {
    const replaced = new Set(edits.flatMap((edit) => (edit.text === REDACTED_JSON ? [edit.from] : [])));
    const large = memberSpans(text, from).spans.filter(
      (span) => !isScalar(text.slice(span.from, span.to)) && !replaced.has(span.from),
    );
    if (large.length === 0) return changeBy(edits);
    const reduced = large.flatMap((span) => value(text, span).edits);
    let place = 0;
    const left = edits.filter((edit) => {
      while ((large[place]?.to ?? Number.POSITIVE_INFINITY) <= edit.from) place++;
      return edit.from < (large[place]?.from ?? Number.POSITIVE_INFINITY);
    });
    return { edits: [...left, ...reduced].sort((a, b) => a.from - b.from), isTouched: true };
  };

  return { value, metadata };
};

/** A redactor for these rules. `secret` is the tenant's: it keys what is kept in place of payload. */
export const redactorOf = (rules: RedactionRules, secret: string): Redactor => {
  const detect = rules.detectors.length === 0 ? undefined : detectorOf(rules.detectors);
  const values: ValueRules = { paths: pathMatcher(rules.paths), detect };
  const reduce = rules.payloadMode === "metadata_only" ? payloadReducer(secret) : undefined;
  const words = (text: string): string => (detect === undefined ? text : detect(text));

  const changeOf = (text: string, span: MemberSpan, treatment: Treatment): FieldChange => {
    if (treatment === "fixed") return UNTOUCHED;
    const { from, to, name } = span;
    if (treatment === "payload" && isReference(text.slice(from, to))) return UNTOUCHED;
    const reached = values.paths.member(values.paths.start, name);
    const isWhole = reached.isMatch && (treatment === "text" || treatment === "payload");
    if (isWhole) return changeBy([{ from, to, text: REDACTED_JSON }]);
    if (treatment === "payload" && reduce !== undefined) return reduce.value(text, span);
    const { edits } = redactValue(text, { from, state: { ...reached, isMatch: false } }, values);
    const isMetadata = treatment === "inside" && text.charAt(from) === "{";
    return isMetadata && reduce !== undefined ? reduce.metadata(text, span, edits) : changeBy(edits);
  };

  const event = (text: string): Redacted => {
    const { spans, depth } = memberSpans(text, 0);
    if (depth > MAX_DEPTH) return { text: REDACTED_JSON, fields: [] };
    const jsonOf = ({ from, to }: MemberSpan): string => plain(text.slice(from, to));
    const typeSpan = spans.findLast(({ name }) => name === "type");
    const type = typeSpan && jsonOf(typeSpan).slice(1, -1);
    const giveName = nameGiver(new Set(spans.map(({ name }) => name)));
    const edits: Edit[] = [];
    const fields: string[] = [];
    for (const span of spans) {
      const left = words(span.name);
      const name = left === span.name ? left : giveName(left);
      if (name !== span.name) edits.push({ from: span.nameFrom, to: span.nameTo, text: JSON.stringify(name) });
      const value = jsonOf(span);
      const change = value === NULL ? UNTOUCHED : changeOf(text, span, treatmentOf(type, span.name, value));
      for (const edit of change.edits) edits.push(edit);
      if (change.isTouched || name !== span.name) fields.push(name);
    }
    return { text: withEdits(text, edits), fields };
  };

  return { event, words };
};
