import {
  columnValue,
  createDecoder,
  type DecoderOptions,
  deadLetterResendContract,
  type EventContract,
  type EventProblem,
  type RecordBatch,
  ruleChangeContract,
  unknownSchemaIds,
} from "../../../schema/index.ts";
import type { SchemaSource } from "../schema-resolving-log.ts";

/** What the pipeline's decoders go by. */
export interface DecodingRules extends Required<Pick<DecoderOptions, "recordBytesMax" | "futureSkewMs">> {
  readonly source: SchemaSource;
}

/** Why a letter is not sent: a decoder's reason, or one of ours. */
export interface ResendRefusal extends Omit<EventProblem, "reason"> {
  readonly reason: EventProblem["reason"] | "incomplete-record" | "platform-record";
}

/** An event that the contract takes. */
export interface CheckedEvent {
  readonly eventId: string;
  /** Its key, which chooses the partition. */
  readonly key: string;
}

/** Records that the platform itself writes: these are changed by what writes them, which knows more than the contract. */
const PLATFORM_TOPICS: ReadonlySet<string> = new Set([
  ruleChangeContract.topic,
  deadLetterResendContract.topic,
]);

export function isPlatformTopic(topic: string): boolean {
  return PLATFORM_TOPICS.has(topic);
}

/** What the pipeline's decoder would make of a record that comes now. */
export async function checkEvent(
  contract: EventContract,
  bytes: Uint8Array,
  { source, recordBytesMax, futureSkewMs }: DecodingRules,
  now: number,
): Promise<CheckedEvent | ResendRefusal> {
  const records: RecordBatch = {
    ...{ topic: contract.topic, partition: 0, baseOffset: 0, count: 1, sequence: 0 },
    ...{ bytes, starts: Int32Array.of(0), ends: Int32Array.of(bytes.length) },
    ...{ ingestedAt: now, control: "data" },
  };
  const ids = unknownSchemaIds(records, source.schemas);
  if (ids.length > 0) await source.resolve(ids);
  // One of its own: what a decoder interns it keeps.
  const decoder = createDecoder(contract, {
    ...{ capacity: 1, recordBytesMax, futureSkewMs },
    schemas: source.schemas,
  });
  const batch = decoder.decode(records, 0, 1);
  const [refusal] = decoder.refusals;
  if (refusal !== undefined) {
    const { reason, field, detail } = refusal;
    return { reason, field, detail };
  }
  const textOf = (name: string): string =>
    String(columnValue(batch.columns[contract.fields.findIndex((field) => field.name === name)], 0));
  return { eventId: textOf(contract.idField), key: textOf(contract.keyField) };
}
