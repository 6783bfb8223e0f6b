import { REDACTED } from "../../contract/redaction.ts";

/** How keys of well-known services begin and go on. */
const KEY_FORMS = [
  // OpenAI, Anthropic and those who write keys like them
  "sk-[\\w-]{16,}",
  // Stripe; its keys for web pages (pk_) are no secret
  "[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
  "whsec_[A-Za-z0-9+/=]{16,}",
  // Runstone
  "rk_[\\w-]{43}",
  // AWS
  "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
  // GitHub, GitLab
  "gh[opusr]_[A-Za-z0-9]{20,}",
  "github_pat_\\w{22,}",
  "gl(?:pat|ptt|dt|rt)-[\\w-]{20,}",
  // Slack
  "xox[a-z]-[A-Za-z0-9-]{10,}",
  "xapp-\\d-[A-Za-z0-9-]{10,}",
  // Google
  "AIza[\\w-]{30,}",
  "ya29\\.[\\w-]{20,}",
  "GOCSPX-[\\w-]{20,}",
  // SendGrid, npm, PyPI, Hugging Face, Groq, Perplexity, Replicate, xAI, Tavily, DigitalOcean, Databricks
  "SG\\.[\\w-]{16,}\\.[\\w-]{16,}",
  "npm_[A-Za-z0-9]{30,}",
  "pypi-[\\w-]{50,}",
  "hf_[A-Za-z0-9]{30,}",
  "gsk_[A-Za-z0-9]{40,}",
  "pplx-[A-Za-z0-9]{40,}",
  "r8_[A-Za-z0-9]{30,}",
  "xai-[A-Za-z0-9]{60,}",
  "tvly-[\\w-]{20,}",
  "do[opr]_v1_[a-f0-9]{64}",
  "dapi[a-f0-9]{32}",
  // Dify
  "(?:app|dataset)-[A-Za-z0-9]{24}(?![A-Za-z0-9])",
];

/** Where a word begins: `task-...` holds no `sk-...`. In JSON that is in a string it may come after an escape. */
const WORD_BEGINS = "(?:(?<![A-Za-z0-9])|(?<=\\\\(?:[bfnrt]|u[0-9A-Fa-f]{4})))";
/** A key takes all of its last word. */
const KEY = new RegExp(`${WORD_BEGINS}(?:${KEY_FORMS.join("|")})[A-Za-z0-9]*`, "g");

/** Forms that ordinary words have too, such as `sk-fading-circle-container`, the name of a style. */
const WORDLIKE = /^(?:sk|app|dataset)-/;
const SHORTEST_RANDOM = 12;

/** Of what looks like words, a key is what has a long piece with a digit in it. */
const isKey = (found: string): boolean =>
  !WORDLIKE.test(found) || found.split("-").some((piece) => piece.length >= SHORTEST_RANDOM && /\d/.test(piece));

const PEM_LABEL = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
const PEM_END = /-----END [A-Z0-9 ]{1,80}-----/g;

/** Private keys (PEM); one that is cut off reaches to the end of the text. */
const withoutPrivateKeys = (text: string): string => {
  if (!text.includes("PRIVATE KEY")) return text;
  let kept = "";
  let done = 0;
  for (const { 0: label, index } of text.matchAll(PEM_LABEL)) {
    if (index < done) continue;
    PEM_END.lastIndex = index + label.length;
    kept += text.slice(done, index) + REDACTED;
    done = PEM_END.test(text) ? PEM_END.lastIndex : text.length;
  }
  return done === 0 ? text : kept + text.slice(done);
};

/** Slack's address for messages into a channel: whoever knows it can write there. */
const WEBHOOK = /(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/]{8,}/g;

const withoutWebhooks = (text: string): string =>
  text.includes("hooks.slack.com") ? text.replace(WEBHOOK, `$1${REDACTED}`) : text;

/** Replaces API keys of the forms that services give them, and private keys. */
export const withoutApiKeys = (text: string): string =>
  withoutWebhooks(withoutPrivateKeys(text)).replace(KEY, (found) => (isKey(found) ? REDACTED : found));
