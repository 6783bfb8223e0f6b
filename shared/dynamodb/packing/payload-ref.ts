/**
 * What an entry holds in place of a payload value that is an object of its own: a graph is named by its month and digest
 * (`202611/…`), an upload by its id, and a large value by nothing, because its place in the entry names its object.
 */
export const VALUE_REF = "value";

const UPLOAD = "upload/";

/** The reference to an upload. */
export const uploadRef = (uploadId: string): string => `${UPLOAD}${uploadId}`;

/** The upload that a reference names; undefined where it names none. */
export const uploadOfRef = (ref: string): string | undefined =>
  ref.startsWith(UPLOAD) ? ref.slice(UPLOAD.length) : undefined;
