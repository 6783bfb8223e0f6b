import {
  type Merged,
  mergeLists,
  mergeListsTwice,
  pageOfMerged,
  type ReadList,
} from "../../shared/app/lists/merge-lists.ts";
import type { Instant } from "../../shared/contract/instant.ts";
import { instant } from "../support/builders.ts";

interface Row {
  readonly listedAt: Instant;
  readonly runId: string;
  readonly rev: number;
}

const row = (second: number, runId = `r${second}`, rev = 1): Row => ({ listedAt: instant(second), runId, rev });
const rows = (...seconds: readonly number[]): Row[] => seconds.map((second) => row(second));

const keyOf = ({ listedAt, runId }: { listedAt: Instant; runId: string }): string => `${listedAt}#${runId}`;

/** A list of what is in it at the moment of reading. */
const listOf =
  (holding: () => readonly Row[]): ReadList<Row> =>
  async ({ after, from, limit }) => {
    const found = [...holding()]
      .sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))
      .filter((one) => after === undefined || keyOf(one) < keyOf(after))
      .filter((one) => from === undefined || one.listedAt >= from);
    return { headers: found.slice(0, limit), hasMore: found.length >= limit };
  };

const whole = { after: undefined, from: undefined, limit: 100, mostRows: 1000, isWanted: () => true };
const idsOf = ({ headers }: Merged<Row>): string[] => headers.map(({ runId }) => runId);

/** Twenty lists of three rows each, of which every list has one before any has its second. */
const twentyLists = () => {
  const read = { rows: 0 };
  const lists = Array.from({ length: 20 }, (_, index): ReadList<Row> => {
    const list = listOf(() => rows(index, 20 + index, 40 + index));
    return async (part) => {
      const found = await list(part);
      read.rows += found.headers.length;
      return found;
    };
  });
  return { lists, read };
};

describe("merged lists", () => {
  it("have one order, whichever list a row is from", async () => {
    const merged = await mergeLists(
      [listOf(() => rows(1, 4, 5)), listOf(() => rows(2, 3, 6)), listOf(() => [])],
      whole,
    );

    expect(idsOf(merged)).toEqual(["r6", "r5", "r4", "r3", "r2", "r1"]);
    expect(merged.cutAt).toBeUndefined();
  });

  it("hold a row once, in its latest state, whichever list that is in", async () => {
    const [old, young] = [row(1, "r", 1), row(1, "r", 2)];

    for (const lists of [
      [[old], [young]],
      [[young], [old]],
    ]) {
      const { headers } = await mergeLists(
        lists.map((one) => listOf(() => one)),
        whole,
      );
      expect(headers).toEqual([young]);
    }
  });

  it("hold a row that moved to another place at its latest place only", async () => {
    const { headers } = await mergeLists([listOf(() => [row(5, "r", 1)]), listOf(() => [row(1, "r", 2)])], whole);

    expect(headers).toEqual([row(1, "r", 2)]);
  });

  it("are complete as far as they were cut, and no further", async () => {
    const dense = listOf(() => rows(...Array.from({ length: 50 }, (_, second) => 50 + second)));
    const sparse = listOf(() => rows(...Array.from({ length: 10 }, (_, index) => index * 10)));
    const merged = await mergeLists([dense, sparse], {
      ...whole,
      mostRows: 30,
      isWanted: ({ listedAt }) => listedAt < instant(80),
    });

    const { cutAt } = merged;
    expect(cutAt).toBeDefined();
    for (const header of merged.headers) expect(header.listedAt >= (cutAt?.listedAt ?? "")).toBe(true);
  });

  it("give a page though a row of each is more than may be read", async () => {
    const { lists, read } = twentyLists();
    const merged = await mergeLists(lists, { ...whole, limit: 4, mostRows: 10 });

    expect(idsOf(merged)).toEqual(["r59", "r58", "r57", "r56", "r55"]);
    expect(read.rows).toBeLessThanOrEqual(25);
  });

  it("of which there are more than rows may be read are searched no further than half as much again", async () => {
    const { lists, read } = twentyLists();
    const merged = await mergeLists(lists, { ...whole, mostRows: 10, isWanted: () => false });

    expect(read.rows).toBe(25);
    expect(merged).toMatchObject({ headers: [], cutAt: { runId: "r54" } });
  });
});

describe("lists that are read twice", () => {
  it("are no more complete than their second reading came", async () => {
    let reads = 0;
    // Between the readings so much was added that the second comes less far.
    const list = listOf(() => rows(...Array.from({ length: ++reads > 1 ? 40 : 5 }, (_, index) => index)));
    const merged = await mergeListsTwice([list], { ...whole, mostRows: 20 });

    expect(merged.cutAt?.runId).toBe("r30");
    expect(merged.headers).toHaveLength(10);
  });

  it("are no more complete than their first reading came", async () => {
    // At one moment there is more than the first reading takes in.
    const list = listOf(() => Array.from({ length: 40 }, (_, index) => row(1, `r${10 + index}`)));
    const merged = await mergeListsTwice([list], { ...whole, mostRows: 20 });

    expect(merged.cutAt?.runId).toBe("r40");
    expect(merged.headers).toHaveLength(10);
  });
});

describe("a page of what was merged", () => {
  const cutAt = { listedAt: instant(0), runId: "end" };

  it.each<[string, Merged<Row>, ReturnType<typeof pageOfMerged>]>([
    [
      "more than it shows",
      { headers: rows(3, 2, 1), cutAt: undefined },
      {
        shown: 2,
        hasMore: true,
        next: { listedAt: instant(1), runId: "r1", isIncluded: true },
        searchedUntil: undefined,
      },
    ],
    [
      "all there is",
      { headers: rows(3, 2), cutAt: undefined },
      { shown: 2, hasMore: false, next: undefined, searchedUntil: undefined },
    ],
    [
      "several, and was cut",
      { headers: rows(3, 2), cutAt },
      {
        shown: 1,
        hasMore: true,
        next: { listedAt: instant(2), runId: "r2", isIncluded: true },
        searchedUntil: instant(0),
      },
    ],
    [
      "one, and was cut",
      { headers: rows(3), cutAt },
      { shown: 1, hasMore: false, next: cutAt, searchedUntil: instant(0) },
    ],
    ["none, and was cut", { headers: [], cutAt }, { shown: 0, hasMore: false, next: cutAt, searchedUntil: instant(0) }],
    [
      "none",
      { headers: [], cutAt: undefined },
      { shown: 0, hasMore: false, next: undefined, searchedUntil: undefined },
    ],
  ])("that found %s", (_name, merged, expected) => {
    expect(pageOfMerged(merged, 2)).toEqual(expected);
  });
});
