import { marshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { indexEntryOf } from "../../bench/capacity-units.ts";
import { itemBytes } from "../../bench/item-size.ts";
import { headerOf } from "../../shared/domain/header.ts";
import {
  cutText,
  hasRowTag,
  ROW_TEXT_BYTES,
  rowTags,
  rowText,
  shownRowTags,
  shownRowText,
} from "../../shared/domain/row-text.ts";
import { headerItem, NEW_HEADER } from "../../shared/dynamodb/header-item.ts";
import { TABLE } from "../../shared/dynamodb/table.ts";
import { ledger, type Saying, sent } from "../support/builders.ts";
import { runKey } from "../support/service.ts";

const LONG = "x".repeat(100);
const anyText = fc.string({ unit: "binary", maxLength: 80 });

describe("a text in a row", () => {
  it("is kept as it is where it fits", () => {
    for (const text of ["", "a", "Zoë", "字".repeat(12), "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "a\u0000b"]) {
      expect(rowText(text)).toBe(text);
      expect(shownRowText(rowText(text))).toBe(text);
    }
  });

  it("is shown by its beginning where it does not, never by half of a character", () => {
    expect(shownRowText(rowText(LONG))).toBe("x".repeat(31));
    expect(shownRowText(rowText("😀".repeat(50)))).toBe("😀".repeat(7));
  });

  it("tells texts apart that begin alike", () => {
    expect(rowText(`${LONG}1`)).not.toBe(rowText(`${LONG}2`));
    expect(rowText(`${LONG}1`)).toBe(rowText(`${LONG}1`));
  });

  it("is not taken for another that looks like what is kept of it", () => {
    const disguised = rowText(LONG);

    expect(rowText(disguised)).not.toBe(disguised);
    expect(shownRowText(rowText(disguised))).not.toContain("\u007f");
  });

  it("is the same for equal texts only, and never longer in JSON than it may be", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        expect(rowText(one) === rowText(other)).toBe(one === other);
        expect(Buffer.byteLength(JSON.stringify(rowText(one)))).toBeLessThanOrEqual(ROW_TEXT_BYTES.word + 2);
        expect(one.startsWith(shownRowText(rowText(one)))).toBe(true);
      }),
    );
  });

  it("is cut to bytes of JSON", () => {
    expect(cutText('"'.repeat(10), 6)).toBe('"'.repeat(3));
    expect(cutText("äb", 2)).toBe("ä");
    expect(cutText("äb", 1)).toBe("");
  });
});

describe("tags in a row", () => {
  it("are shown where they fit together, and found whether shown or not", () => {
    const tags = ["prod", LONG, "eu-central-1", "y".repeat(50), "last"];
    const kept = rowTags(tags);

    expect(shownRowTags(kept)).toEqual(["prod", "eu-central-1", "last"]);
    for (const tag of tags) expect(hasRowTag(kept, tag)).toBe(true);
    for (const tag of ["pro", "", `${LONG}x`, kept.at(-1) ?? ""]) expect(hasRowTag(kept, tag)).toBe(false);
  });

  it("are found in rows that were written before hashes were kept", () => {
    expect(hasRowTag(["a", "b"], "a")).toBe(true);
    expect(hasRowTag([], LONG)).toBe(false);
  });

  it("are found whatever they are", () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 20 }), (tags) => {
        const kept = rowTags(tags);
        for (const tag of tags) expect(hasRowTag(kept, tag)).toBe(true);
        for (const tag of shownRowTags(kept)) expect(tags).toContain(tag);
      }),
    );
  });
});

describe("a row of an index", () => {
  const ID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

  /** What DynamoDB counts of each index's row. */
  const rowBytes = (start: Saying, end: Saying): number[] => {
    const header = headerOf(ledger(sent("run.started", start), sent("run.finished", { at: 1, ...end })));
    const item = headerItem(runKey(ID, ID), { ...header, shard: 13 }, NEW_HEADER);
    const stored = marshall(item, { removeUndefinedValues: true });
    return TABLE.indexes.map((index) => itemBytes(indexEntryOf(stored, index, TABLE) ?? {}));
  };

  it.each([
    ["wide characters", "字".repeat(256)],
    ["plain ones", "x".repeat(256)],
    ["quotes", '"'.repeat(256)],
    ["control characters", "\u0001".repeat(256)],
  ])("stays within 1 KB where ids are UUIDs and everything else is as long as can be, of %s", (_name, word) => {
    const others = Array.from({ length: 19 }, () => word);
    for (const tag of [word, "x".repeat(60), "abcdef"]) {
      const bytes = rowBytes(
        {
          app_id: ID,
          workflow_id: "w".repeat(128),
          workflow_version: word,
          workflow_type: word,
          triggered_from: word,
          created_by: word,
          created_by_role: "end_user",
          parent_run_id: ID,
          tags: [tag, ...others],
        },
        {
          status: "partial-succeeded",
          error: word,
          elapsed_time: 1.5,
          total_tokens: 2 ** 53 - 1,
          total_steps: 1000,
          exceptions_count: 1000,
        },
      );
      for (const size of bytes) expect(size).toBeLessThanOrEqual(1024);
    }
  });
});
