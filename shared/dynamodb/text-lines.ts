const ESCAPE = "\u007f";
const UNSAFE = /[\u007f\n]|\p{Surrogate}/gu;

/**
 * A text as one line that is never empty and that UTF-8 can hold: line breaks and lone surrogates are escaped. Most
 * texts are lines already and come back as they are.
 */
export const toLine = (text: string): string => {
  if (text === "") return ESCAPE;
  if (!text.includes("\n") && !text.includes(ESCAPE) && text.isWellFormed()) return text;
  return text.replace(UNSAFE, (unit) => `${ESCAPE}${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
};

/** The text that {@link toLine} made this line of. */
export const fromLine = (line: string): string => {
  if (!line.includes(ESCAPE)) return line;
  if (line === ESCAPE) return "";
  return line.replace(/\u007f([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
};
