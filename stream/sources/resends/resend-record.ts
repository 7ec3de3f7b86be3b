import type { QueryEngine, SqlValue } from "../../../lakehouse/index.ts";
import {
  bronzeTable,
  columnValue,
  createDecoder,
  type DeadLetterResendBatch,
  deadLetterResendContract,
  tableName,
} from "../../../schema/index.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { partitionsOf } from "../partitions-of.ts";
import { READ_TO_END_RECORDS_MAX, readToEnd } from "../read-to-end.ts";

/** The record of what was sent again: who sent which letter when, and as what. Only appended to. */
export const bronzeDeadLetterResends = bronzeTable(deadLetterResendContract);

/** That a letter was sent again. Times in ms. */
export interface Resend {
  readonly resentTime: number;
  readonly resentBy: string;
  readonly note: string | null;
  /** Id of the event that was sent. */
  readonly resentEventId: string;
  /** Whether the event differs from what had been received. */
  readonly isRepaired: boolean;
}

/** Resends by the key of their letter. */
export type Resends = ReadonlyMap<string, Resend>;

/** What the lake knows, and the offset of each partition from which on it does not. */
export interface LakeResends {
  readonly resends: Resends;
  readonly ends: ReadonlyMap<number, number>;
}

const { topic } = deadLetterResendContract;
const TABLE = `{${tableName(bronzeDeadLetterResends)}}`;

/** SQL of the join of a letter's row with that of its resend, by the names that a query has for the two. */
export function isResendOf(resend: string, letter: string): string {
  const pairs = { topic: "_topic", partition: "_partition", offset: "_offset", time: "_ingested_at" };
  return Object.entries(pairs)
    .map(([name, column]) => `${resend}.letter_${name} = ${letter}.${column}`)
    .join(" and ");
}

/** Reads the record: from the lake, and from the log what the lake has not yet. */
export class ResendRecord {
  private readonly log: EventLog;
  private readonly engine: QueryEngine;

  constructor(log: EventLog, engine: QueryEngine) {
    this.log = log;
    this.engine = engine;
  }

  /** Resends of the letters that the lake has. What comes into it meanwhile is behind `ends`, and may be found as well. */
  async inLake(keys: readonly string[]): Promise<LakeResends> {
    // The ends first: what the second query finds is at least what was there then.
    const lasts = await this.engine.query(
      `select _partition, max(_offset) as last_offset from ${TABLE} group by _partition`,
      [],
    );
    const ends = new Map(lasts.rows.map((row) => [Number(row._partition), Number(row.last_offset) + 1]));
    if (ends.size === 0 || keys.length === 0) return { resends: new Map(), ends };
    const { rows } = await this.engine.query(
      `select event_id, resent_time, resent_by, note, resent_event_id, is_repaired from ${TABLE} ` +
        `where event_id in (${keys.map((_, i) => `$${i + 1}`).join(", ")})`,
      keys,
    );
    return { resends: new Map(rows.map((row) => [String(row.event_id), resendOfRow(row)])), ends };
  }

  /** Resends of the letters that the log has from those offsets on. */
  async inLog(keys: readonly string[], ends: LakeResends["ends"]): Promise<Resends> {
    const wanted = new Set(keys);
    const found = new Map<string, Resend>();
    const decoder = createDecoder(deadLetterResendContract, { capacity: READ_TO_END_RECORDS_MAX });
    const partitions = await partitionsOf(this.log, topic);
    for (let partition = 0; partition < partitions; partition++) {
      await readToEnd(this.log, { topic, partition, offset: ends.get(partition) ?? 0 }, (records) => {
        const batch = decoder.decode(records, 0, records.count);
        for (let row = 0; row < batch.length; row++) {
          const key = String(columnValue(batch.eventId, row));
          if (wanted.has(key)) found.set(key, resendOfBatch(batch, row));
        }
      });
    }
    return found;
  }
}

function resendOfRow(row: Readonly<Record<string, SqlValue>>): Resend {
  return {
    resentTime: (row.resent_time as Date).getTime(),
    resentBy: String(row.resent_by),
    note: row.note === null || row.note === undefined ? null : String(row.note),
    resentEventId: String(row.resent_event_id),
    isRepaired: row.is_repaired === true,
  };
}

function resendOfBatch(batch: DeadLetterResendBatch, row: number): Resend {
  const note = columnValue(batch.note, row);
  return {
    resentTime: batch.resentTime.values[row],
    resentBy: String(columnValue(batch.resentBy, row)),
    note: note === null ? null : String(note),
    resentEventId: String(columnValue(batch.resentEventId, row)),
    isRepaired: columnValue(batch.isRepaired, row) === true,
  };
}
