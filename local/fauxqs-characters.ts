/** fauxqs 2.4.1 refuses messages with characters beyond U+FFFF, such as emoji. SQS takes them, and so does ours. */
interface MessageRules {
  /** Matches a character that no message may hold. */
  readonly INVALID_MESSAGE_BODY_CHAR: RegExp;
}

/**
 * Puts the rule right in place, for this process: the package offers no option. The characters are those of `SendMessage`
 * in the SQS API reference.
 */
export async function allowEveryCharacterOfSqs(): Promise<void> {
  const rules = new URL("sqs/sqsTypes.js", import.meta.resolve("fauxqs"));
  const { INVALID_MESSAGE_BODY_CHAR } = (await import(rules.href)) as MessageRules;
  INVALID_MESSAGE_BODY_CHAR.compile(
    "[^\\u0009\\u000A\\u000D\\u0020-\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]",
    "u",
  );
}
