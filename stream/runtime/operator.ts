import type { EventBatch, KeyDictionary, RowBuffer, StateSection, TableSpec } from "../../schema/index.ts";
import type { Alert } from "../ports/alert-bus.ts";

/** Event-time progress of a task, per input. */
export interface Progress {
  /** No event older than this is expected any more; `Infinity` at the end of the input. */
  readonly watermarkMs: number;
  /** Events older than this are dropped from windows and sessions: watermark − allowed lateness. */
  readonly closeMs: number;
}

/**
 * A step of the stream. A factory `createX(config, deps)` returns it with a name for traces, metrics
 * and stack traces. Its whole memory is `state`. What it emits depends on the order of the records
 * alone, never on how they were cut into batches: the runtime calls {@link advance} exactly when the
 * watermark crosses a multiple of the tick, between the two rows where it does.
 */
export interface Operator<B extends EventBatch = EventBatch> {
  readonly name: string;
  readonly state: StateSection;
  /** Folds rows [from, to), in log order. */
  process(batch: B, from: number, to: number, progress: Progress): void;
  /** Emits everything that is due at this progress, or keeps some of it for {@link emitSome}. */
  advance(progress: Progress): void;
  /**
   * Emits up to about so many rows that the last advance has put off; whether there are more. Called where no
   * record waits, and for all of them in front of a cut: what is put off is no state. The rows and their order
   * are those that the advance would have emitted.
   */
  emitSome?(rowsMax: number): boolean;
  /** Rebuilds what derives from `state`; called once, after its section was restored. */
  afterRestore?(): void;
}

/** Has each of them emit some of what it has put off, see {@link Operator.emitSome}; whether there is more. */
export function emitSomeOf(parts: Iterable<Pick<Operator, "emitSome">>, rowsMax: number): boolean {
  let more = false;
  for (const part of parts) more = part.emitSome?.(rowsMax) === true || more;
  return more;
}

/** Where an operator's results go. Rows reach the lake with the checkpoint; alerts leave at once. */
export interface OperatorOutputs {
  /** A buffer of rows of the table; `dictionaries` by column name for the columns that hold ids. */
  openRows(table: TableSpec, dictionaries?: Readonly<Record<string, KeyDictionary>>): RowBuffer;
  emitAlert(alert: Alert): void;
}
