import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { EVENT_FIELDS } from "../../shared/contract/event-fields.ts";
import { readRedactionPath } from "../../shared/contract/redaction-path.ts";

const name = (text: string) => ({ kind: "name", name: text });
const descendant = (text: string) => ({ kind: "descendant", name: text });
const index = (place: number) => ({ kind: "index", index: place });
const any = { kind: "any" };

it.each([
  ["$.inputs", [name("inputs")]],
  ["inputs", [name("inputs")]],
  ["$.inputs.user.email", [name("inputs"), name("user"), name("email")]],
  ["inputs.items[0].price", [name("inputs"), name("items"), index(0), name("price")]],
  ["inputs[*].*", [name("inputs"), any, any]],
  ["inputs['name with. dots']", [name("inputs"), name("name with. dots")]],
  ['$["inputs"]["it\'s"]', [name("inputs"), name("it's")]],
  [String.raw`inputs['it\'s']['back\\slash']`, [name("inputs"), name("it's"), name("back\\slash")]],
  ["inputs.#sys-query#.$ref", [name("inputs"), name("#sys-query#"), name("$ref")]],
  ["outputs.用户.😀", [name("outputs"), name("用户"), name("😀")]],
  ["$..password", [descendant("password")]],
  ["..password", [descendant("password")]],
  ["inputs..headers[*].value", [name("inputs"), descendant("headers"), any, name("value")]],
  ["..['two words']", [descendant("two words")]],
  ["..status", [descendant("status")]],
  ["error", [name("error")]],
  ["error.message", [name("error"), name("message")]],
  ["created_by", [name("created_by")]],
  ["tags[*]", [name("tags"), any]],
  ["execution_metadata.agent_log", [name("execution_metadata"), name("agent_log")]],
  ["a_field_of_ours.id", [name("a_field_of_ours"), name("id")]],
])("%s is a path", (text, segments) => {
  expect(readRedactionPath(text)).toEqual({ ok: true, segments });
});

it.each([
  ["", "expected a name at character 1"],
  ["$", "expected . or [ at character 2"],
  ["$inputs", "expected . or [ at character 2"],
  ["inputs.", "expected a name at character 8"],
  ["inputs password", "expected . or [ at character 7"],
  ["inputs[", "expected a name in quotes, a number or * at character 8"],
  ["inputs[-1]", "expected a name in quotes, a number or * at character 8"],
  ["inputs[1:2]", "expected ] at character 9"],
  ["inputs[?(@.a)]", "expected a name in quotes, a number or * at character 8"],
  ["inputs['a]", "expected a name in quotes, a number or * at character 8"],
  ["inputs..", "expected a name after .. at character 9"],
  ["inputs..*", "expected a name after .. at character 9"],
  ["inputs..[0]", "expected a name after .., came a number or *"],
  ["inputs...a", "expected a name after .. at character 9"],
  ["inputs\u0000", "expected . or [ at character 7"],
  ["*", "expected the name of an event's field first, or ..name"],
  ["$[0]", "expected the name of an event's field first, or ..name"],
  ["$.*.password", "expected the name of an event's field first, or ..name"],
  [`inputs${".a".repeat(16)}`, "expected at most 16 parts"],
  [`inputs.${"a".repeat(250)}`, "expected at most 256 characters"],
  ["tags", "expected a path into tags: it cannot be replaced whole"],
  ["execution_metadata", "expected a path into execution_metadata: it cannot be replaced whole"],
  ["$.metadata", "expected a path into metadata: it cannot be replaced whole"],
])("%j is none: %s", (text, message) => {
  expect(readRedactionPath(text)).toEqual({ ok: false, message });
});

const REPLACEABLE = ["title", "label", "reason", "error", "created_by", "execution_metadata", "metadata", "tags"];
const STRUCTURE = [
  ...["type", "run_id", "at", "id", "app_id", "epoch", "tenant_id"],
  ...new Set(Object.values(EVENT_FIELDS).flatMap((fields) => Object.keys(fields))),
].filter((field) => !REPLACEABLE.includes(field));

it.each(STRUCTURE)("%s cannot be redacted, nor anything in it", (field) => {
  const message = `expected payload or a text, came ${field}: state is made of it`;
  expect(readRedactionPath(field)).toEqual({ ok: false, message });
  expect(readRedactionPath(`$['${field}'].a`)).toEqual({ ok: false, message });
});

it("that is wrong is named by its place in the settings", () => {
  const { success, issues = [] } = v.safeParse(AppSettingsBody, {
    redact: { paths: ["inputs.password", "run_id", 7, "inputs["] },
  });
  expect(success).toBe(false);
  expect(issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)).toEqual([
    "redact.paths.1: expected payload or a text, came run_id: state is made of it",
    "redact.paths.2: expected a JSON path",
    "redact.paths.3: expected a name in quotes, a number or * at character 8",
  ]);
});
