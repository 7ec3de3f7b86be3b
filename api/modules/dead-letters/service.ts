import { isUtf8 } from "node:buffer";
import { bronzeDeadLetters, tableName } from "../../../schema/index.ts";
import {
  bronzeDeadLetterResends,
  DEAD_LETTER_COLUMNS,
  type DeadLetterResends,
  deadLetterOf,
  isCut,
  isResendOf,
  type DeadLetter as Letter,
  letterIdOf,
  letterKeyOf,
  letterPlaceOf,
  type ResendOutcome as Outcome,
  type Resend,
} from "../../../stream/index.ts";
import type { Caller } from "../common/caller.ts";
import { userError } from "../common/errors.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, PageArgs } from "../common/types.ts";
import type {
  DeadLetter,
  DeadLetterCount,
  DeadLetterFilter,
  DeadLetterPayload,
  DeadLetterSummary,
  ResendInput,
  ResendResult,
} from "./type.ts";

/** Bytes of a record that a page shows; one letter alone is shown with all that was kept of it. */
const PAGE_PAYLOAD_BYTES_MAX = 4_096;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const RESENDS = `{${tableName(bronzeDeadLetterResends)}}`;

const IS_RESENT = `exists (select 1 from ${RESENDS} as resends where ${isResendOf("resends", "holding")})`;

export class DeadLettersService {
  private readonly lake: LakeReader;
  private readonly resends: DeadLetterResends;

  constructor(lake: LakeReader, resends: DeadLetterResends) {
    this.lake = lake;
    this.resends = resends;
  }

  /** Dead letters, those first that were received last. */
  list({ isResent, ...filter }: DeadLetterFilter, page: PageArgs): Promise<Page<DeadLetter>> {
    const asked = typeof isResent === "boolean";
    return this.lake.page({
      connection: "dead-letters",
      table: bronzeDeadLetters,
      page,
      keyset: [
        { column: "_ingested_at", type: "time" },
        { column: "_topic", type: "text" },
        { column: "_partition", type: "number" },
        { column: "_offset", type: "number" },
      ],
      order: "desc",
      conditions: conditionsOf(filter),
      ...(asked && { holding: isResent ? IS_RESENT : `not ${IS_RESENT}`, readsOthers: true }),
      toNode: (row) => toNode(deadLetterOf(row), PAGE_PAYLOAD_BYTES_MAX),
    });
  }

  /** One letter with all that was kept of it; null where the lake has none of that id. */
  async byId(id: string): Promise<DeadLetter | null> {
    const place = letterPlaceOf(id);
    if (place === null) return null;
    const conditions = new Conditions()
      .compare("_topic", "=", place.topic)
      .compare("_partition", "=", place.partition)
      .compare("_offset", "=", place.offset);
    const sql = `select ${DEAD_LETTER_COLUMNS} from {${tableName(bronzeDeadLetters)}}${conditions.toSql()}`;
    const rows = await this.lake.rows(await this.lake.pin(bronzeDeadLetters), sql, conditions);
    return rows.length === 0 ? null : toNode(deadLetterOf(rows[0]), Number.POSITIVE_INFINITY);
  }

  /** Counts by topic and reason. */
  async summary(filter: Pick<DeadLetterFilter, "from" | "to">): Promise<DeadLetterSummary> {
    const conditions = conditionsOf(filter);
    const pinned = await this.lake.pin(bronzeDeadLetters);
    const rows = await this.lake.rowsOfNow(
      pinned,
      `select letters._topic, letters.reason, count(*) as letter_count, count(resends.event_id) as resent_count, ` +
        `min(letters._ingested_at) as first_time, max(letters._ingested_at) as last_time ` +
        `from (select _topic, _partition, _offset, _ingested_at, reason ` +
        `from {${tableName(bronzeDeadLetters)}}${conditions.toSql()}) as letters ` +
        `left join ${RESENDS} as resends on ${isResendOf("resends", "letters")} ` +
        `group by letters._topic, letters.reason order by letter_count desc, _topic, reason`,
      conditions,
    );
    const counts = rows.map(toCount);
    return {
      rows: counts,
      letters: counts.reduce((sum, { letters }) => sum + letters, 0),
      resent: counts.reduce((sum, { resent }) => sum + resent, 0),
      freshness: pinned.freshness,
    };
  }

  /** The resend of each letter, by its key, or null. */
  async resendsOf(keys: readonly string[]): Promise<(Resend | null)[]> {
    const found = await this.resends.find(keys);
    return keys.map((key) => found.get(key) ?? null);
  }

  /** Sends letters again; what becomes of each, in their order. */
  async resend(
    letters: readonly ResendInput[],
    note: string | null | undefined,
    { name }: Caller,
  ): Promise<ResendResult[]> {
    const requests = letters.map((letter) => ({ id: letter.id, payload: payloadOf(letter) }));
    const outcomes = await this.resends.send(requests, { resentBy: name, note: note ?? null });
    return outcomes.map(toResult);
  }
}

function conditionsOf({ topic, reason, from, to }: Omit<DeadLetterFilter, "isResent">): Conditions {
  return new Conditions()
    .compare("_topic", "=", topic)
    .compare("reason", "=", reason)
    .within("_ingested_at", from, to);
}

function toNode(letter: Letter, bytesMax: number): DeadLetter {
  const { topic, partition, offset, receivedTime, reason, field, detail } = letter;
  return {
    id: letterIdOf(letter),
    ...{ topic, partition, offset, receivedTime, reason, field },
    message: detail,
    payload: toPayload(letter, bytesMax),
    key: letterKeyOf(letter),
  };
}

/** Cut between characters, where it is text. */
function toPayload(letter: Letter, bytesMax: number): DeadLetterPayload {
  const { bytes, recordBytes } = letter;
  const shown = bytes.subarray(0, bytesMax);
  const whole = isCut(letter) || shown.length < bytes.length ? withoutHalfCharacter(shown) : shown;
  return {
    text: isUtf8(whole) ? whole.toString() : null,
    base64: whole.toString("base64"),
    bytes: recordBytes,
    isCut: whole.length < recordBytes,
  };
}

/** The bytes without the beginning of a UTF-8 character whose rest was cut off. */
function withoutHalfCharacter(bytes: Buffer): Buffer {
  // A character begins with a byte that is no continuation (10xxxxxx), at most three before the end.
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

function toCount(row: Row): DeadLetterCount {
  return {
    topic: text(row, "_topic"),
    reason: text(row, "reason"),
    letters: number(row, "letter_count"),
    resent: number(row, "resent_count"),
    firstTime: time(row, "first_time"),
    lastTime: time(row, "last_time"),
  };
}

function payloadOf({ id, payload, payloadBase64 }: ResendInput): Uint8Array | null {
  if (typeof payload === "string" && typeof payloadBase64 === "string")
    throw userError("invalid-argument", `${id} has both payload and payloadBase64: give one of them.`);
  if (typeof payload === "string") return Buffer.from(payload);
  if (typeof payloadBase64 !== "string") return null;
  if (BASE64.test(payloadBase64)) return Buffer.from(payloadBase64, "base64");
  throw userError("invalid-argument", `payloadBase64 of ${id} is no base64.`);
}

function toResult(outcome: Outcome): ResendResult {
  const { id, kind } = outcome;
  const result: ResendResult = { id, outcome: kind, resend: null, refusal: null };
  if (kind === "sent" || kind === "already-sent") return { ...result, resend: outcome.resend };
  if (kind === "not-found") return result;
  const { reason, field, detail } = outcome.refusal;
  return { ...result, refusal: { reason, field, message: detail } };
}
