import type { QueryEngine, SqlValue } from "../../lakehouse/index.ts";
import { bronzeDeadLetters, tableName } from "../../schema/index.ts";
import {
  bronzeDeadLetterResends,
  DEAD_LETTER_COLUMNS,
  type DeadLetter,
  type DeadLetterResends,
  deadLetterOf,
  isResendOf,
  letterKeyOf,
  type Resend,
} from "../../stream/index.ts";

/** Which dead letters; what is left out does not matter. */
export interface LetterFilter {
  readonly topic?: string;
  readonly reason?: string;
  /** Only those that were not sent again. */
  readonly unsent?: boolean;
}

export interface FoundLetter {
  readonly letter: DeadLetter;
  readonly resend: Resend | null;
}

const LETTERS = tableName(bronzeDeadLetters);
const RESENDS = tableName(bronzeDeadLetterResends);
const PAGE_LETTERS = 1_000;
const ORDER = ["_ingested_at", "_topic", "_partition", "_offset"];
const UNSENT = `not exists (select 1 from {${RESENDS}} as resends where ${isResendOf("resends", "letters")})`;

/** Pages of dead letters in the order of their coming, or against it, with what they were sent again as. */
export async function* letterPages(
  engine: QueryEngine,
  resends: DeadLetterResends,
  filter: LetterFilter,
  { order, limit }: { readonly order: "asc" | "desc"; readonly limit: number },
): AsyncGenerator<FoundLetter[]> {
  let after: DeadLetter | null = null;
  let left = limit;
  while (left > 0) {
    const letters = await readPage(engine, filter, order, after, Math.min(left, PAGE_LETTERS));
    if (letters.length === 0) return;
    after = letters[letters.length - 1];
    const sent = await resends.find(letters.map(letterKeyOf));
    const found = letters.map((letter) => ({ letter, resend: sent.get(letterKeyOf(letter)) ?? null }));
    // What was sent a moment ago the lake's query does not know.
    const shown = filter.unsent === true ? found.filter(({ resend }) => resend === null) : found;
    left -= shown.length;
    yield shown;
  }
}

async function readPage(
  engine: QueryEngine,
  { topic, reason, unsent }: LetterFilter,
  order: "asc" | "desc",
  after: DeadLetter | null,
  limit: number,
): Promise<DeadLetter[]> {
  const parameters: SqlValue[] = [];
  const bind = (value: SqlValue): string => `$${parameters.push(value)}`;
  const conditions: string[] = [];
  if (topic !== undefined) conditions.push(`_topic = ${bind(topic)}`);
  if (reason !== undefined) conditions.push(`reason = ${bind(reason)}`);
  if (unsent === true) conditions.push(UNSENT);
  if (after !== null) {
    const place = [new Date(after.receivedTime), after.topic, after.partition, after.offset].map(bind);
    conditions.push(`(${ORDER.join(", ")}) ${order === "asc" ? ">" : "<"} (${place.join(", ")})`);
  }
  const where = conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
  const { rows } = await engine.query(
    `select ${DEAD_LETTER_COLUMNS} from {${LETTERS}} as letters ${where} ` +
      `order by ${ORDER.map((column) => `${column} ${order}`).join(", ")} limit ${limit}`,
    parameters,
  );
  return rows.map(deadLetterOf);
}
