import fc from "fast-check";
import { diffRuns, type NodePair } from "../../shared/domain/diff/diff.ts";
import { differencesBetween, isSameValue } from "../../shared/domain/diff/value-diff.ts";
import { anyEvents, run, type Saying, type Sent, sent } from "../support/builders.ts";

/** An execution of a node that began after so many seconds. */
const node = (nodeId: string, at: number, saying: Saying = {}): Sent =>
  sent("node.started", {
    node_execution_id: `${nodeId}-${at}-${JSON.stringify(saying)}`.replaceAll(/[^\w-]/g, "."),
    node_id: nodeId,
    at,
    ...saying,
  });

const diff = (one: readonly Sent[], other: readonly Sent[]) => diffRuns(run(...one), run(...other));

/** A pair in short: `scope[round]/node#occurrence`, with a sign where it ran in one only. */
const shown = ({ nodeId, rounds, occurrence, run: one, other }: NodePair): string => {
  const place = rounds.map(({ containerNodeId, index }) => `${containerNodeId}[${index ?? ""}]/`).join("");
  return `${one === undefined ? "+" : other === undefined ? "-" : ""}${place}${nodeId}${occurrence === 1 ? "" : `#${occurrence}`}`;
};
const pairsOf = (one: readonly Sent[], other: readonly Sent[]): string[] => diff(one, other).pairs.map(shown);

describe("the nodes of two runs", () => {
  it("are matched by node id, in the order of execution", () => {
    const one = [node("start", 1), node("llm", 2), node("end", 3)];
    const other = [node("end", 30), node("llm", 20), node("start", 10)];

    expect(pairsOf(one, other)).toEqual(["start", "llm", "end"]);
    expect(diff(one, other).partsAt).toBeUndefined();
  });

  it("stand where they ran, if only one run has them", () => {
    const one = [node("start", 1), node("a", 2), node("b", 3), node("end", 4)];
    const other = [node("start", 1), node("c", 2), node("d", 3), node("end", 4), node("late", 5)];

    expect(pairsOf(one, other)).toEqual(["start", "-a", "-b", "+c", "+d", "end", "+late"]);
    expect(diff(one, other).partsAt).toMatchObject({ nodeId: "a", other: undefined });
    expect(diff(other, one).partsAt).toMatchObject({ nodeId: "c", other: undefined });
  });

  it("are on one path where parallel ones began in another order", () => {
    const one = [node("start", 1), node("left", 2), node("right", 3), node("end", 4)];
    const other = [node("start", 1), node("right", 2), node("left", 3), node("end", 4)];

    expect(pairsOf(one, other)).toEqual(["start", "left", "right", "end"]);
    expect(diff(one, other).partsAt).toBeUndefined();
  });

  it("are matched by how often the same node ran before", () => {
    const one = [node("ask", 1), node("check", 2), node("ask", 3), node("check", 4)];
    const other = [node("ask", 1), node("check", 2)];

    expect(pairsOf(one, other)).toEqual(["ask", "check", "-ask#2", "-check#2"]);
  });

  it("are matched by the round that they ran in, whatever the order of rounds", () => {
    const rounds = (...order: number[]) => [
      node("each", 1, { node_type: "iteration" }),
      ...order.map((index, position) => node("fetch", 2 + position, { iteration_id: "each", iteration_index: index })),
    ];

    expect(pairsOf(rounds(0, 1, 2), rounds(2, 0))).toEqual([
      "each",
      "each[0]/fetch",
      "-each[1]/fetch",
      "each[2]/fetch",
    ]);
  });

  it("are matched at any depth, in each execution of a container", () => {
    const nested = (rounds: number) => [
      node("outer", 1, { node_type: "iteration" }),
      ...Array.from({ length: 2 }, (_, index) => [
        node("inner", 10 * (index + 1), { node_type: "loop", iteration_id: "outer", iteration_index: index }),
        ...Array.from({ length: rounds }, (_, round) =>
          node("step", 10 * (index + 1) + round + 1, {
            iteration_id: "outer",
            iteration_index: index,
            loop_id: "inner",
            loop_index: round,
          }),
        ),
      ]).flat(),
    ];

    expect(pairsOf(nested(1), nested(2))).toEqual([
      "outer",
      "outer[0]/inner",
      "outer[0]/inner[0]/step",
      "+outer[0]/inner[1]/step",
      "outer[1]/inner",
      "outer[1]/inner[0]/step",
      "+outer[1]/inner[1]/step",
    ]);
  });

  it("are shown though they say neither who they are nor when they began", () => {
    const nameless = [sent("node.finished", { at: 5 }), sent("node.checkpointed", { node_execution_id: "n2", at: 1 })];

    expect(diff(nameless, [])).toMatchObject({ pairs: [{ nodeId: undefined }, { nodeId: undefined, occurrence: 2 }] });
  });

  it("are none where neither run has any", () => {
    expect(diff([], [])).toEqual({ pairs: [], partsAt: undefined });
  });

  it("each stand in the diff once, on their side, and a run is no different from itself", () => {
    fc.assert(
      fc.property(anyEvents, anyEvents, (one, other) => {
        const [mine, theirs] = [run(...one), run(...other)];
        const { pairs } = diffRuns(mine, theirs);
        expect(new Set(pairs.flatMap((pair) => pair.run ?? []))).toEqual(new Set(mine.nodes));
        expect(new Set(pairs.flatMap((pair) => pair.other ?? []))).toEqual(new Set(theirs.nodes));
        expect(pairs.flatMap((pair) => [pair.run ?? [], pair.other ?? []].flat())).toHaveLength(
          mine.nodes.length + theirs.nodes.length,
        );
        const own = diffRuns(mine, mine);
        expect(own.partsAt).toBeUndefined();
        expect(own.pairs.every((pair) => pair.run === pair.other)).toBe(true);
      }),
    );
  });

  it("are the same from either side", () => {
    fc.assert(
      fc.property(anyEvents, anyEvents, (one, other) => {
        const names = (pairs: readonly NodePair[]) => pairs.map((pair) => shown(pair).replace(/^[+-]/, "")).sort();
        expect(names(diff(one, other).pairs)).toEqual(names(diff(other, one).pairs));
      }),
    );
  });

  it("are matched in little time where there are many", () => {
    const many = (from: number) => Array.from({ length: 2000 }, (_, index) => node(`n${from + index}`, from + index));
    const [one, other] = [run(...many(0)), run(...many(1000))];
    const startedAt = performance.now();

    expect(diffRuns(one, other).pairs).toHaveLength(3000);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

describe("two JSON values", () => {
  it.each([
    ['{"a":1,"b":[1,2]}', '{ "b":[1.0,2], "a":1 }'],
    ['"\\u0061"', '"a"'],
    ["1e2", "100"],
    ["[]", " [ ] "],
    ["1.0", "10e-1"],
    ["[0, 0.0]", "[-0e5, 0E+99999999999999999999]"],
    ["12345678901234567890", "1234567890.1234567890e10"],
    ["-0.0012", "-12E-4"],
    ["1e999999999999999999999999", "10e999999999999999999999998"],
    ["100e-1000000000000000000000000", "1e-999999999999999999999998"],
    ['{"b":18446744073709551616,"a":{"d":1e0,"c":"\\u00e9"}}', '{"a":{"c":"é","d":1},"b":18446744073709551616.0}'],
  ])("are the same however they are spelled: %s %s", (one, other) => {
    expect(isSameValue(one, other)).toBe(true);
    expect(differencesBetween(one, other)).toEqual([]);
  });

  it.each([
    ["12345678901234567890", "12345678901234567891"],
    ["0.1", "0.1000000000000000000001"],
    ["1e999999999", "1e999999998"],
    ["1e99999999999999999999", "1e99999999999999999998"],
    ["1", "-1"],
    ["1", '"1"'],
    ['[{"a":9007199254740993}]', '[{"a":9007199254740992}]'],
  ])("are not the same where a double would round the difference away: %s %s", (one, other) => {
    expect(isSameValue(one, other)).toBe(false);
    expect(differencesBetween(`{"n":${one},"m":1}`, `{"m":1.0,"n":${other}}`)).toEqual([
      { name: "n", run: one, other },
    ]);
  });

  it("are the same if and only if their numbers are the same decimal", () => {
    const digits = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
    fc.assert(
      fc.property(digits, fc.nat(60), fc.nat(30), (value, zeros, point) => {
        const scaled = `${value}${"0".repeat(zeros)}`;
        expect(isSameValue(`${value}e${zeros - point}`, `${scaled}E-${point}`)).toBe(true);
        expect(isSameValue(`${value}e${zeros - point}`, `${value + 1n}${"0".repeat(zeros)}E-${point}`)).toBe(false);
      }),
    );
  });

  it.each([
    ["an exponent of any size", "1e999999999"],
    ["digits", "7".repeat(300_000)],
    ["zeros", `1${"0".repeat(300_000)}1`],
    ["digits of an exponent", `10e${"9".repeat(300_000)}`],
  ])("are compared in little time where a number has %s", (_what, number) => {
    const startedAt = performance.now();

    expect(isSameValue(`[${number}]`, `[ ${number}]`)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  it("differ by each member that does", () => {
    expect(differencesBetween('{"a":1,"b":{"x":1},"c":3}', '{"d":null,"b":{"x":2},"a":1.0}')).toEqual([
      { name: "b", run: '{"x":1}', other: '{"x":2}' },
      { name: "c", run: "3", other: undefined },
      { name: "d", run: undefined, other: "null" },
    ]);
  });

  it.each<[string | undefined, string | undefined]>([
    ["1", "2"],
    ["[1]", "[1,2]"],
    ['{"a":1}', "[1]"],
    [undefined, "null"],
    ['{"a":1}', undefined],
  ])("differ as a whole where they are no two objects: %s %s", (run, other) => {
    expect(differencesBetween(run, other)).toEqual([{ name: undefined, run, other }]);
  });

  it("tell members apart whose names are spelled alike", () => {
    expect(differencesBetween('{"__proto__":1,"":2}', '{"__proto__":3,"":2,"\\u005f":1}')).toEqual([
      { name: "__proto__", run: "1", other: "3" },
      { name: "_", run: undefined, other: "1" },
    ]);
  });
});
