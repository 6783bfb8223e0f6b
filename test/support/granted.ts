import type { Template } from "aws-cdk-lib/assertions";
import type { FunctionName } from "../../build/bundle.ts";
import { resourcesOf } from "../infra/deployed.ts";

/** Something that a function does with what is kept, as IAM sees it. */
export interface Touch {
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** `table`, `table/index/<index>`, `payloads` or `payloads/<key>` */
  readonly resource: string;
  /** Partition keys of the request, of the index where it is one's; none where it is not to a table. */
  readonly leadingKeys?: readonly string[];
}

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** A statement of a role, with names in the place of ARNs. */
export interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Conditions;
}

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** An ARN of a template: the table and the bucket are known by their ids, whatever stack they are of. */
const nameOf = (arn: unknown): string => {
  if (typeof arn === "string") return arn;
  const joined = (arn as { "Fn::Join"?: [string, unknown[]] })["Fn::Join"];
  if (joined !== undefined) return joined[1].map(nameOf).join(joined[0]);
  const text = JSON.stringify(arn);
  if (text.includes("StreamArn")) return "stream";
  return text.includes("Table") ? "table" : text.includes("Payloads") ? "payloads" : text;
};

/** What the template's policies allow the role of a function. */
export const grantedTo = (name: FunctionName, templates: readonly Template[]): Statement[] => {
  const id = new RegExp(`^${name}Role`, "i");
  return resourcesOf(templates, "AWS::IAM::Policy")
    .filter(([policy]) => id.test(policy))
    .flatMap(([, policy]) => policy.Properties.PolicyDocument.Statement)
    .map(({ Effect, Action, Resource, Condition = {} }) => {
      if (Effect !== "Allow") throw new Error(`expected only statements that allow, came ${Effect}`);
      return {
        actions: listOf<string>(Action),
        resources: listOf<unknown>(Resource).map(nameOf),
        conditions: Condition,
      };
    });
};

/** As IAM compares: `*` stands for anything, `?` for any one character. */
export const isLike = (text: string, pattern: string): boolean => {
  const parts = pattern.split(/([*?])/).map((part) => (part === "*" ? ".*" : part === "?" ? "." : RegExp.escape(part)));
  return new RegExp(`^${parts.join("")}$`, "s").test(text);
};

const OPERATORS: Readonly<Record<string, (keys: readonly string[], patterns: readonly string[]) => boolean>> = {
  "ForAllValues:StringLike": (keys, patterns) => keys.every((key) => patterns.some((pattern) => isLike(key, pattern))),
  "ForAllValues:StringNotLike": (keys, patterns) =>
    keys.every((key) => !patterns.some((pattern) => isLike(key, pattern))),
};

const holds = (conditions: Conditions, { leadingKeys = [] }: Touch): boolean =>
  Object.entries(conditions).every(([operator, values]) => {
    const compare = OPERATORS[operator];
    const { "dynamodb:LeadingKeys": patterns, ...others } = values;
    if (compare === undefined || patterns === undefined || Object.keys(others).length > 0) {
      throw new Error(`expected a condition on leading keys, came ${operator}`);
    }
    return compare(leadingKeys, listOf(patterns));
  });

/** Whether any of the statements allows it, as IAM decides. */
export const isGranted = (statements: readonly Statement[], touch: Touch): boolean =>
  statements.some(
    ({ actions, resources, conditions }) =>
      actions.includes(touch.action) &&
      resources.some((resource) => isLike(touch.resource, resource)) &&
      holds(conditions, touch),
  );
