/** What a reference to an upload begins with, as a payload value: `{"$ref": "upload:<id>"}`. */
const REFERENCE = "upload:";

/** Ids, white space and escapes of a reference's two strings fit into so many characters each. */
const ONE_MEMBER = /^\{\s*("(?:[^"\\]|\\.){1,100}")\s*:\s*("(?:[^"\\]|\\.){1,1000}")\s*\}$/;

/**
 * What a payload value names as an upload, where it is exactly a reference to one, however it is spelled. What stands
 * behind `upload:` need not be an id. `text` must be valid JSON.
 */
export const uploadNamedBy = (text: string): string | undefined => {
  const [, name, value] = ONE_MEMBER.exec(text) ?? [];
  if (name === undefined || value === undefined || JSON.parse(name) !== "$ref") return undefined;
  const reference = JSON.parse(value) as string;
  return reference.startsWith(REFERENCE) ? reference.slice(REFERENCE.length) : undefined;
};

/** The payload value that refers to an upload. */
export const referenceTo = (uploadId: string): string => `{"$ref":"${REFERENCE}${uploadId}"}`;
