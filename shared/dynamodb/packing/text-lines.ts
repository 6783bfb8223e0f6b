/**
 * Ends a line. No JSON text holds a NUL, nor the escape, so payload stays as it is, however many line breaks it has: a
 * request grows by nothing but its line ends.
 */
export const LINE_END = "\u0000";

/** Ends a block of lines: no line is empty. */
export const BLOCK_END = `${LINE_END}${LINE_END}`;

const ESCAPE = "\u0001";
const LONE_SURROGATE = /\p{Surrogate}/gu;

const escaped = (unit: string): string => `${ESCAPE}${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Whether a text is its own line. */
export const isPlain = (text: string): boolean =>
  !text.includes(LINE_END) && !text.includes(ESCAPE) && text.isWellFormed();

/**
 * A text as one line that is never empty and that UTF-8 can hold. Only parsed strings, such as titles, ever need
 * escapes.
 */
export const toLine = (text: string): string => {
  if (text === "") return ESCAPE;
  if (isPlain(text)) return text;
  return text
    .replaceAll(ESCAPE, escaped(ESCAPE))
    .replaceAll(LINE_END, escaped(LINE_END))
    .replace(LONE_SURROGATE, escaped);
};

/** The text that {@link toLine} made this line of. */
export const fromLine = (line: string): string => {
  if (!line.includes(ESCAPE)) return line;
  if (line === ESCAPE) return "";
  const [before = "", ...escapes] = line.split(ESCAPE);
  const units = escapes.map((rest) => String.fromCharCode(Number.parseInt(rest.slice(0, 4), 16)) + rest.slice(4));
  return before + units.join("");
};
