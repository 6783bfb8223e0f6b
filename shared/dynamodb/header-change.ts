import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { RunKey } from "../contract/identifiers.ts";
import type { ListedHeader } from "../ports/run-store.ts";
import { listedHeaderFrom } from "./header-item.ts";
import { HEADER_SORT_KEY, runOf, TABLE } from "./table.ts";

/** An attribute as a stream record has it: DynamoDB JSON, bytes in base64. */
type StreamAttribute = object & { readonly S?: string | undefined };

type StreamImage = Readonly<Record<string, StreamAttribute>>;

/** What the table's stream tells of a change: the item's key, and the item before and after it where there was one. */
export interface ItemChange {
  readonly Keys?: StreamImage | undefined;
  readonly OldImage?: StreamImage | undefined;
  readonly NewImage?: StreamImage | undefined;
}

/** How a run's header changed. */
export interface HeaderChange {
  readonly run: RunKey;
  /** Undefined for a header that is new. */
  readonly before: ListedHeader | undefined;
  readonly header: ListedHeader;
}

/** What a removed run leaves behind under its header's key. */
const isTombstone = (image: object): boolean => "deleted" in image;

/** Bytes stay base64 here: nothing that a list row is made of is bytes. */
const headerIn = (image: StreamImage): ListedHeader =>
  listedHeaderFrom(unmarshall(image as Record<string, AttributeValue>));

/**
 * The change of a header; undefined for any other item, and where no header is left. Throws for a header that cannot be
 * read: the error may quote what is stored.
 */
export const headerChangeFrom = ({ Keys, OldImage, NewImage }: ItemChange): HeaderChange | undefined => {
  if (Keys?.[TABLE.sortKey]?.S !== HEADER_SORT_KEY) return undefined;
  if (NewImage === undefined || isTombstone(NewImage)) return undefined;
  return {
    run: runOf(Keys[TABLE.partitionKey]?.S ?? ""),
    before: OldImage === undefined || isTombstone(OldImage) ? undefined : headerIn(OldImage),
    header: headerIn(NewImage),
  };
};
