import fc from "fast-check";
import {
  addUsers,
  countUsers,
  USER_ERROR,
  USER_REGISTERS,
  type UserSketch,
  userOf,
} from "../../shared/domain/statistics/user-sketch.ts";

const sketchOf = (users: Iterable<string>): UserSketch => {
  const sketch = new Map<number, number>();
  for (const user of users) addUsers(sketch, userOf(user));
  return sketch;
};

const numbered = (count: number, of: string): string[] => Array.from({ length: count }, (_, index) => `${of}-${index}`);

const added = (...sketches: readonly UserSketch[]): UserSketch => {
  const sum = new Map<number, number>();
  for (const sketch of sketches) addUsers(sum, sketch);
  return sum;
};

const inOrder = (sketch: UserSketch) => [...sketch].sort(([a], [b]) => a - b);

describe("a sketch of users", () => {
  it("has a standard error of 1.6 %", () => {
    expect(USER_ERROR).toBeCloseTo(0.01625, 5);
  });

  it.each([1, 2, 5, 10, 50])("tells %i users exactly, or nearly so", (count) => {
    const counts = Array.from({ length: 20 }, (_, round) => countUsers(sketchOf(numbered(count, `few ${round}`))));

    expect(counts.filter((found) => Math.abs(found - count) > Math.ceil(count * 0.06))).toEqual([]);
  });

  it.each([100, 1000, 4000, 10_000, 40_000])("tells %i users within three standard errors", (count) => {
    for (const round of ["a", "b", "c"]) {
      const found = countUsers(sketchOf(numbered(count, round)));

      expect(Math.abs(found - count) / count).toBeLessThan(3 * USER_ERROR);
    }
  });

  it("is off by its standard error on average, and to neither side", () => {
    const errors = Array.from({ length: 60 }, (_, round) => {
      const found = countUsers(sketchOf(numbered(5000, `round ${round}`)));
      return (found - 5000) / 5000;
    });
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const spread = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);

    expect(Math.abs(mean)).toBeLessThan(USER_ERROR);
    expect(spread).toBeLessThan(1.4 * USER_ERROR);
  });

  it("counts a user once, however often and wherever they come", () => {
    const users = numbered(500, "again");

    expect(inOrder(added(sketchOf(users), sketchOf(users.toReversed())))).toEqual(inOrder(sketchOf(users)));
  });

  it("is the same whatever the order and grouping of what is added", () => {
    const users = fc.array(fc.string(), { maxLength: 50 });
    fc.assert(
      fc.property(users, users, users, (a, b, c) => {
        const all = inOrder(sketchOf([...a, ...b, ...c]));
        const [one, two, three] = [sketchOf(a), sketchOf(b), sketchOf(c)];

        expect(inOrder(added(added(three, one), two))).toEqual(all);
        expect(inOrder(added(two, added(one, three)))).toEqual(all);
      }),
    );
  });

  it("holds no more than a register and a rank of a user", () => {
    const [[register, rank] = [-1, -1]] = userOf("ada@example.com");

    expect(register).toBeLessThan(USER_REGISTERS);
    expect(rank).toBeGreaterThanOrEqual(1);
    expect(rank).toBeLessThanOrEqual(53);
  });

  it("counts nobody where there is nobody, and ends where every register is full", () => {
    const full = new Map(Array.from({ length: USER_REGISTERS }, (_, register) => [register, 53]));

    expect(countUsers(new Map())).toBe(0);
    expect(countUsers(full)).toBeGreaterThan(1e15);
  });
});
