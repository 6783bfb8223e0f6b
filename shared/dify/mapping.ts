import type { DifyFrame } from "./frame.ts";
import type { DifyKind } from "./kinds.ts";
import type { KnownNode, StreamMemory } from "./memory.ts";

/** What a request says beside its frames. */
export interface DifyContext {
  readonly appId: string | undefined;
  /** The run of frames that name none; frames that name another are refused. */
  readonly runId: string | undefined;
  /** The clock in milliseconds: the time of an event that has none, where nothing else tells it. */
  readonly now: number;
  /** Node executions that the ledger holds of these runs; needed only where a reading is a guess. */
  readonly known?: readonly KnownNode[];
}

/** A frame on its way to an event. */
export interface Mapping {
  readonly frame: DifyFrame;
  readonly kind: DifyKind;
  readonly runId: string;
  readonly context: DifyContext;
  readonly memory: StreamMemory;
}

/** A value, and whether it had to be guessed. */
export interface Found<T> {
  readonly value: T;
  readonly isGuess: boolean;
}

/** A value that the frame itself gives. */
export const found = <T>(value: T): Found<T> => ({ value, isGuess: false });
/** A value that was concluded from what came before. */
export const guessed = <T>(value: T): Found<T> => ({ value, isGuess: true });
