/**
 * Records of one partition as they lie in the log: values back to back in one buffer. Record i has
 * offset `baseOffset + i` and the bytes `bytes[starts[i], ends[i])`. The buffer has at least
 * {@link RECORD_PADDING} readable bytes after the last value, so that word-wise readers need no
 * bounds test. Valid until the reader's next read.
 */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Ingest time of the batch: milliseconds since the epoch, set when the log took it. */
  readonly ingestedAt: number;
  /** Ingest time of each record, in a batch that was joined of several; `ingestedAt` is then the first's. */
  readonly ingestTimes?: Float64Array;
  /** Position of the batch in the order in which the log took batches of all topics; 0 where unknown. */
  readonly sequence: number;
  /** Producer's mark: `data`, or `end-of-input`, which closes every open window of the partition. */
  readonly control: "data" | "end-of-input";
}

/** Readable bytes behind the last value of a {@link RecordBatch}. */
export const RECORD_PADDING = 64;
