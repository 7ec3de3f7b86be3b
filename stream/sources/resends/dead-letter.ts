import type { QueryEngine, SqlValue } from "../../../lakehouse/index.ts";
import { bronzeDeadLetters, type RefusalReason, tableName } from "../../../schema/index.ts";

/** Where the log has a refused record. */
export interface LetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A refused record as `bronze.dead_letters` has it. Times in ms. */
export interface DeadLetter extends LetterPlace {
  /** When the log took it. */
  readonly receivedTime: number;
  readonly reason: RefusalReason;
  readonly field: string | null;
  /** What was found and what was expected, for a person. */
  readonly detail: string;
  /** The record, or its beginning where it was too large to be kept. */
  readonly bytes: Buffer;
  /** Size of the record as received. */
  readonly recordBytes: number;
}

type Row = Readonly<Record<string, SqlValue>>;

const ID = /^(.+)-(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})$/;

/** `TOPIC-PARTITION-OFFSET`, as people and programs name a letter. */
export function letterIdOf({ topic, partition, offset }: LetterPlace): string {
  return `${topic}-${partition}-${offset}`;
}

/** The place that an id names, or null where it is none. */
export function letterPlaceOf(id: string): LetterPlace | null {
  const [, topic, partition, offset] = ID.exec(id) ?? [];
  if (topic === undefined) return null;
  const place = { topic, partition: Number(partition), offset: Number(offset) };
  return Number.isSafeInteger(place.offset) && place.partition < 2 ** 31 ? place : null;
}

/**
 * The letter, told apart from one that another log had at the same place: a platform that was filled again, by
 * `rescale` say, keeps the record of what was sent, while its offsets begin anew.
 */
export function letterKeyOf(letter: LetterPlace & Pick<DeadLetter, "receivedTime">): string {
  return `${letterIdOf(letter)}@${letter.receivedTime}`;
}

/** Whether only the beginning of the record was kept. */
export function isCut({ bytes, recordBytes }: Pick<DeadLetter, "bytes" | "recordBytes">): boolean {
  return bytes.length < recordBytes;
}

/** Columns of `bronze.dead_letters` that {@link deadLetterOf} reads. */
export const DEAD_LETTER_COLUMNS =
  "_topic, _partition, _offset, _ingested_at, reason, field, detail, record_base64, record_bytes";

/** A letter from its row. */
export function deadLetterOf(row: Row): DeadLetter {
  return {
    topic: String(row._topic),
    partition: Number(row._partition),
    offset: Number(row._offset),
    receivedTime: (row._ingested_at as Date).getTime(),
    reason: String(row.reason) as RefusalReason,
    field: row.field === null || row.field === undefined ? null : String(row.field),
    detail: String(row.detail),
    bytes: Buffer.from(String(row.record_base64 ?? ""), "base64"),
    recordBytes: Number(row.record_bytes),
  };
}

/** Those of the letters that the lake has, by id. */
export async function findDeadLetters(
  engine: QueryEngine,
  places: readonly LetterPlace[],
): Promise<Map<string, DeadLetter>> {
  if (places.length === 0) return new Map();
  const parameters: SqlValue[] = [];
  const bind = (value: SqlValue): string => `$${parameters.push(value)}`;
  const parts = Map.groupBy(places, ({ topic, partition }) => `${topic}-${partition}`);
  const conditions = [...parts.values()].map((ofOne) => {
    const [{ topic, partition }] = ofOne;
    const offsets = ofOne.map(({ offset }) => bind(offset)).join(", ");
    return `(_topic = ${bind(topic)} and _partition = ${bind(partition)} and _offset in (${offsets}))`;
  });
  const { rows } = await engine.query(
    `select ${DEAD_LETTER_COLUMNS} from {${tableName(bronzeDeadLetters)}} where ${conditions.join(" or ")}`,
    parameters,
  );
  return new Map(rows.map(deadLetterOf).map((letter) => [letterIdOf(letter), letter]));
}
