import { type KeyDictionary, RowBuffer, type TableSpec } from "../../schema/index.ts";
import type { Alert } from "../ports/alert-bus.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";
import type { Outbox } from "../sinks/outbox.ts";
import { TableSink, type TableSinkOptions } from "../sinks/table-sink.ts";

/** The outputs of one task: a sink per table, row buffers in front of them, alerts to the outbox. */
export class TaskOutputs implements OperatorOutputs {
  private readonly sinksByTable = new Map<TableSpec, TableSink>();
  private readonly buffers: RowBuffer[] = [];
  /** Where {@link flushSomeRows} goes on. */
  private nextBuffer = 0;
  private readonly outbox: Outbox;
  private readonly options: TableSinkOptions;

  constructor(outbox: Outbox, options: TableSinkOptions) {
    this.outbox = outbox;
    this.options = options;
  }

  get sinks(): readonly TableSink[] {
    return [...this.sinksByTable.values()];
  }

  /** The sink of a table, made at its first use. */
  sink(table: TableSpec): TableSink {
    let sink = this.sinksByTable.get(table);
    if (sink === undefined) {
      sink = new TableSink(table, this.options);
      this.sinksByTable.set(table, sink);
    }
    return sink;
  }

  openRows(table: TableSpec, dictionaries: Readonly<Record<string, KeyDictionary>> = {}): RowBuffer {
    const sink = this.sink(table);
    const buffer = new RowBuffer(table, (columns, length) => sink.append(columns, 0, length), dictionaries);
    this.buffers.push(buffer);
    return buffer;
  }

  emitAlert(alert: Alert): void {
    this.outbox.addAlert(alert);
  }

  /**
   * Moves the rows of the next buffer that holds some into its sink, a millisecond or two; false once
   * around the buffers. One that gets rows at every record has no second turn: there would be no end.
   */
  flushSomeRows(): boolean {
    while (this.nextBuffer < this.buffers.length) {
      const buffer = this.buffers[this.nextBuffer++];
      if (buffer.length === 0) continue;
      buffer.flush();
      return true;
    }
    this.nextBuffer = 0;
    return false;
  }

  /** Moves the rows that wait in buffers into the sinks. */
  flushRows(): void {
    for (const buffer of this.buffers) buffer.flush();
  }
}
