import type { FieldValue } from "../../contract/event.ts";
import { JsonText } from "../../contract/json-text.ts";
import { attemptsOf } from "../fold/attempts.ts";
import { containmentOf } from "../fold/containment.ts";
import type { NodeState } from "../fold/node-fold.ts";
import { addDecimals, decimalOf } from "./decimal.ts";
import { NO_CURRENCY, type Summary } from "./summary.ts";

/** A value of `execution_metadata`: a number, as its text, or a string. Undefined for anything else. */
const metadataText = (metadata: FieldValue | undefined, key: string): string | undefined => {
  const value = metadata instanceof Map ? (metadata as ReadonlyMap<string, JsonText>).get(key) : undefined;
  if (!(value instanceof JsonText)) return undefined;
  const text = value.text.trim();
  if (text.startsWith('"')) return (JSON.parse(text) as string).trim();
  return /^[-\d]/.test(text) ? text : undefined;
};

/** Each try of a node execution cost something; where no try says what, the node may. */
const metadataOf = (node: NodeState, key: string): FieldValue[] => {
  const tries = attemptsOf(node).map(({ metadata }) => metadata);
  const telling = tries.filter((metadata) => metadataText(metadata, key) !== undefined);
  return telling.length > 0 ? telling : [node.fields.get("execution_metadata") ?? null];
};

/**
 * The node executions that say a figure of their own: a container tells the sum of what runs in it, so it counts only
 * where nothing in it says the figure.
 */
const counted = <Figure>(nodes: readonly NodeState[], figuresOf: (node: NodeState) => readonly Figure[]): Figure[] => {
  const figures = new Map(nodes.map((node) => [node, figuresOf(node)]));
  const telling = nodes.filter((node) => figures.get(node)?.length);
  if (telling.length > 1) {
    const { placements } = containmentOf(nodes);
    for (const node of telling) {
      let above = placements.get(node.nodeExecutionId);
      for (; above !== undefined; above = placements.get(above.container.nodeExecutionId)) {
        figures.delete(above.container);
      }
    }
  }
  return [...figures.values()].flat();
};

const WHOLE_NUMBER = /^\d{1,15}$/;

/** The tokens that nodes say they used, failed tries included. */
export const tokensOf = (nodes: readonly NodeState[]): bigint => {
  const tokens = (node: NodeState): bigint[] =>
    metadataOf(node, "total_tokens").flatMap((metadata) => {
      const text = metadataText(metadata, "total_tokens") ?? "";
      return WHOLE_NUMBER.test(text) && text !== "0" ? [BigInt(text)] : [];
    });
  return counted(nodes, tokens).reduce((sum, some) => sum + some, 0n);
};

const CURRENCY = /^[A-Za-z][A-Za-z0-9_-]{0,15}$/;

const currencyOf = (metadata: FieldValue): string => {
  const text = metadataText(metadata, "currency");
  return text !== undefined && CURRENCY.test(text) ? text.toUpperCase() : NO_CURRENCY;
};

/** The prices that nodes say they cost, by currency, failed tries included. An amount that is no decimal is left out. */
export const pricesOf = (nodes: readonly NodeState[]): Summary["prices"] => {
  const prices = (node: NodeState): (readonly [currency: string, price: string])[] =>
    metadataOf(node, "total_price").flatMap((metadata) => {
      const price = decimalOf(metadataText(metadata, "total_price") ?? "");
      return price === undefined || price === "0" ? [] : [[currencyOf(metadata), price] as const];
    });
  const sums = new Map<string, string>();
  for (const [currency, price] of counted(nodes, prices)) {
    sums.set(currency, addDecimals(sums.get(currency) ?? "0", price));
  }
  return sums;
};
