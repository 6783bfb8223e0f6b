/** Where a call is stopped: before it takes effect, or after, when nobody hears of it any more. */
export type CrashMoment = "before" | "after";

/** What a process that was stopped throws from then on, wherever it still is. */
class Crash extends Error {
  override readonly name = "Crash";
}

/** Stops a process at one of its calls of the world. */
export interface CrashPoints {
  /** Begins a new life: call number `at` is the last one, or none is. */
  begin(at?: number, moment?: CrashMoment): void;
  /** Whether that call was reached. */
  readonly isDown: boolean;
  /** Calls of this life so far. */
  readonly calls: number;
  /** The same port, each call of which can be the last, and takes a while. `iterables`: its methods that give iterables. */
  wrap<Port extends object>(port: Port, iterables?: ReadonlySet<string>): Port;
}

/** The methods of ports that give iterables: they do nothing before they are asked for their first item. */
const ITERABLES: ReadonlySet<string> = new Set(["contributions", "list", "readFrom"]);

/** `pause` says how many turns of the others each call lets pass first. */
export const crashPoints = (pause: () => number = () => 0): CrashPoints => {
  let [calls, at, moment, isDown] = [0, Number.POSITIVE_INFINITY, "before" as CrashMoment, false];
  const pass = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    for (let turns = pause(); turns > 0; turns--) await undefined;
    if (isDown) throw new Crash();
    const isLast = ++calls === at;
    if (isLast && moment === "before") {
      isDown = true;
      throw new Crash();
    }
    const result = await call();
    if (isLast) isDown = true;
    if (isDown) throw new Crash();
    return result;
  };
  async function* passAll(items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    await pass(async () => undefined);
    for await (const item of items) {
      if (isDown) throw new Crash();
      yield item;
    }
    await pass(async () => undefined);
  }
  return {
    begin: (last = Number.POSITIVE_INFINITY, when = "before") => {
      [calls, at, moment, isDown] = [0, last, when, false];
    },
    get isDown() {
      return isDown;
    },
    get calls() {
      return calls;
    },
    wrap: (port, iterables = ITERABLES) =>
      new Proxy(port, {
        get: (target, name) => {
          const method = Reflect.get(target, name);
          if (typeof method !== "function") return method;
          return (...args: unknown[]) => {
            if (iterables.has(String(name))) return passAll(method.apply(target, args) as AsyncIterable<unknown>);
            return pass(async () => method.apply(target, args));
          };
        },
      }),
  };
};
