import {
  bronzeTable,
  type Column,
  type EventBatch,
  type EventContract,
  type EventDecoder,
  type RecordBatch,
  TextInterner,
} from "../../schema/index.ts";
import type { DeadLetters } from "../operators/dead-letters.ts";
import type { PipelineInput } from "../runtime/pipeline.ts";
import type { StageClock } from "../runtime/stage-clock.ts";
import { bronzeColumns } from "../sinks/bronze-sink.ts";
import type { TableSink } from "../sinks/table-sink.ts";
import type { TaskOutputs } from "./task-outputs.ts";

export interface DecodedInputDeps<B extends EventBatch> {
  readonly contract: EventContract;
  readonly partition: number;
  readonly decoder: EventDecoder<B>;
  /** Rows that the decoder takes at once. */
  readonly capacity: number;
  readonly outputs: TaskOutputs;
  readonly deadLetters: DeadLetters;
  readonly stageClock: StageClock;
  /** The steps behind the decoder, for the rows of one batch. */
  readonly fold: (batch: B) => void;
  /** Keeps a folded batch, of which bronze has `columns`, there and wherever else its rows belong. */
  readonly keep: (columns: readonly Column[], batch: B, bronze: TableSink) => void;
  /** Everything that waits for event time is due. */
  readonly endOfInput: () => void;
}

/** Keeps a batch in bronze alone. */
export function keepAsReceived(columns: readonly Column[], { length }: EventBatch, bronze: TableSink): void {
  bronze.append(columns, 0, length);
}

/** One topic partition of a task: decode, keep what was refused, fold, keep as received. */
export function createDecodedInput<B extends EventBatch>(deps: DecodedInputDeps<B>): PipelineInput {
  const { contract, partition, decoder, capacity, outputs, deadLetters, stageClock } = deps;
  const sink = outputs.sink(bronzeTable(contract));
  const columns = bronzeColumns(contract, decoder.batch, partition, capacity);
  const interner = new TextInterner(decoder.batch.columns, capacity);

  function process(records: RecordBatch): void {
    if (records.control === "end-of-input") {
      deps.endOfInput();
      return;
    }
    stageClock.lap("read");
    for (let from = 0; from < records.count; from += capacity) {
      const batch = decoder.decode(records, from, Math.min(from + capacity, records.count));
      if (decoder.refusals.length > 0) deadLetters.add(decoder.refusals);
      stageClock.lap("decode");
      // Here, while the texts are still in the cache.
      interner.intern(batch.length);
      stageClock.lap("intern texts");
      deps.fold(batch);
      deps.keep(columns, batch, sink);
      stageClock.lap("bronze and silver");
    }
  }

  return { topic: contract.topic, partition, process };
}
