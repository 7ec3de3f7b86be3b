import {
  columnValue,
  contractByTopic,
  createDecoder,
  type EventBatch,
  type EventContract,
  type EventDecoder,
  type RecordBatch,
  type Refusal,
  type WriterSchemas,
} from "../../schema/index.ts";

/** Most records that are decoded together. */
export const READ_RECORDS_MAX = 1_000;
const AVRO_HEADER_BYTES = 5;

/** One record as a person or a script reads it. */
export interface ShownRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly ingestedAt: string;
  readonly format: "json" | "avro" | "binary" | "end-of-input";
  /** Of an Avro record. */
  readonly schemaId: number | null;
  /** The event, or null where it could not be decoded. */
  readonly value: unknown;
  /** Why it could not. */
  readonly refused: {
    readonly reason: string;
    readonly field: string | null;
    readonly detail: string;
  } | null;
  /** The bytes of what could not be decoded, base64; else null. */
  readonly bytes: string | null;
}

/** Reads the records of one topic, JSON or Avro, as the pipeline does. */
export class RecordReader {
  private readonly contract: EventContract | null;
  private readonly decoder: EventDecoder<EventBatch> | null;
  private readonly schemas: WriterSchemas;
  private readonly recordBytesMax: number;

  constructor(topic: string, schemas: WriterSchemas, recordBytesMax: number) {
    this.contract = contractByTopic(topic);
    this.schemas = schemas;
    this.recordBytesMax = recordBytesMax;
    this.decoder = this.contract === null ? null : this.createDecoder(this.contract);
  }

  private createDecoder(contract: EventContract): EventDecoder<EventBatch> {
    const { schemas, recordBytesMax } = this;
    return createDecoder(contract, { schemas, recordBytesMax, capacity: READ_RECORDS_MAX });
  }

  /** The batch has {@link READ_RECORDS_MAX} records at most. */
  read(records: RecordBatch): ShownRecord[] {
    if (records.control !== "data") return [shown(records, 0, { format: "end-of-input" })];
    if (this.decoder === null || this.contract === null) {
      return Array.from({ length: records.count }, (_, i) => withoutContract(records, i));
    }
    const batch = this.decoder.decode(records, 0, records.count);
    const rows = new Map<number, number>();
    for (let row = 0; row < batch.length; row++) rows.set(batch.offset[row], row);
    const refusals = new Map(this.decoder.refusals.map((refusal) => [refusal.offset, refusal]));
    return Array.from({ length: records.count }, (_, i) => {
      const offset = records.baseOffset + i;
      const row = rows.get(offset);
      return row === undefined
        ? refusedRecord(records, i, refusals.get(offset))
        : this.accepted(records, i, batch, row);
    });
  }

  private accepted(records: RecordBatch, index: number, batch: EventBatch, row: number): ShownRecord {
    const schemaId = schemaIdOf(records, index);
    // A JSON record is shown as it was sent, an Avro record with the members of its contract.
    if (schemaId === null) {
      return shown(records, index, { format: "json", value: JSON.parse(bytesOf(records, index).toString()) });
    }
    const value: Record<string, unknown> = {};
    for (const [at, field] of (this.contract?.fields ?? []).entries()) {
      const found = columnValue(batch.columns[at], row);
      if (found !== null) value[field.name] = field.type === "json" ? JSON.parse(String(found)) : found;
    }
    const extra = columnValue(batch.extra, row);
    if (extra !== null) Object.assign(value, JSON.parse(String(extra)));
    return shown(records, index, { format: "avro", schemaId, value });
  }
}

function withoutContract(records: RecordBatch, index: number): ShownRecord {
  const bytes = bytesOf(records, index);
  try {
    return shown(records, index, { format: "json", value: JSON.parse(bytes.toString()) });
  } catch {
    return shown(records, index, { format: "binary", bytes: bytes.toString("base64") });
  }
}

function refusedRecord(records: RecordBatch, index: number, refusal: Refusal | undefined): ShownRecord {
  const schemaId = schemaIdOf(records, index);
  const { reason = "unknown", field = null, detail = "" } = refusal ?? {};
  return shown(records, index, {
    format: schemaId === null ? "json" : "avro",
    schemaId,
    refused: { reason, field, detail },
    bytes: bytesOf(records, index).toString("base64"),
  });
}

function shown(
  records: RecordBatch,
  index: number,
  what: Pick<ShownRecord, "format"> & Partial<ShownRecord>,
): ShownRecord {
  const { topic, partition, baseOffset, ingestedAt } = records;
  return {
    topic,
    partition,
    offset: baseOffset + index,
    ingestedAt: new Date(ingestedAt).toISOString(),
    schemaId: null,
    value: null,
    refused: null,
    bytes: null,
    ...what,
  };
}

function bytesOf({ bytes, starts, ends }: RecordBatch, index: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + starts[index], ends[index] - starts[index]);
}

function schemaIdOf(records: RecordBatch, index: number): number | null {
  const bytes = bytesOf(records, index);
  return bytes.length >= AVRO_HEADER_BYTES && bytes[0] === 0 ? bytes.readInt32BE(1) : null;
}
