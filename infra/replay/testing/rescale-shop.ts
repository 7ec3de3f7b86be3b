import { expect } from "vitest";
import { bronzeDeadLetters, goldModelHealth, type TableSpec, tableName } from "../../../schema/index.ts";
import {
  type AppendBatch,
  createShopEvents,
  type EventLog,
  endOfInput,
  SHOP_TOPICS,
} from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import { SHOP } from "../../scenarios/testing/crash-input.ts";
import { newestRows } from "../../scenarios/testing/final-rows.ts";
import { copyOf, type LakeReader } from "../../scenarios/testing/lake-reader.ts";

/** As a producer would: the records of a second or two at once, so that ingest times keep their order. */
const CHUNK_RECORDS = 4;
const EVENTS = 4_000;
/** Kafka's reader keeps no order over topics within ten. */
const CHUNK_EVERY_MS = 20;
const APPEND_BATCHES = 500;
/** The old platform gets this share of the chunks. */
export const FIRST_CHUNKS = 600;
/** How models fare is said by sums of doubles, which differ in the last bits with the order. */
const COMPARED = lakeTables.filter((table) => table !== bronzeDeadLetters && table !== goldModelHealth);
/** Where a record lay is not the same in two runs. */
const PLACES = ["_partition", "_offset", "_ingested_at"];
/** What a score knew, by places in the log: Kafka's offsets count the ends of transactions. */
const KNOWN_PLACES = ["_events_offset", "_payments_offset", "_labels_offset"];

/** For platforms that are compared. */
export const RESCALE_SETTINGS: Partial<Config> = {
  checkpointIntervalMs: 1000,
  // Nobody kept the order of two partitions to each other: no event is late for another's sake.
  outOfOrdernessMs: 10_000,
  // A source that nobody hears of is waited for: idleness is a matter of the wall clock.
  idleAfterMs: 3_600_000,
  // Chunks come faster than their events happened.
  futureSkewMs: 3_600_000,
};

/**
 * Appends chunks [from, to) of the shop, which is the same whatever the partitions, with the times of a
 * producer that sends one every {@link CHUNK_EVERY_MS}.
 */
export async function feedShop(
  log: EventLog,
  partitions: number,
  { from = 0, to = Number.POSITIVE_INFINITY } = {},
): Promise<void> {
  // In time and without repeats: what is late or known before is a matter of one partition's records.
  const inOrder = { duplicateShare: 0, outOfOrderShare: 0, lateShare: 0, tooLateShare: 0, malformedShare: 0 };
  const shop = createShopEvents({ ...SHOP, ...inOrder, customerEventsMax: EVENTS }, () => partitions);
  let pending: AppendBatch[] = [];
  for (let chunk = 0; ; chunk++) {
    const batches = shop.until(Number.POSITIVE_INFINITY, CHUNK_RECORDS);
    if (batches === null) break;
    if (chunk < from || chunk >= to) continue;
    const ingestedAt = SHOP.startTime + chunk * CHUNK_EVERY_MS;
    pending.push(...batches.map((batch) => ({ ...batch, ingestedAt })));
    if (pending.length < APPEND_BATCHES) continue;
    await log.append(pending);
    pending = [];
  }
  await log.append(pending);
}

/** Says that nothing more comes: closes what is open. */
export async function endShop(log: EventLog, partitions: number): Promise<void> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  await log.append(SHOP_TOPICS.flatMap((topic) => all.map((partition) => endOfInput(topic, partition))));
}

/** Holds the rows of one platform to another's, but for where records lay and when they came. */
export async function expectSameRows(reader: LakeReader, one: Config, other: Config): Promise<void> {
  const places = one.mode === other.mode ? PLACES : [...PLACES, ...KNOWN_PLACES];
  await reader.copyLake(one, "one", COMPARED);
  await reader.copyLake(other, "other", COMPARED);
  const different: object[] = [];
  for (const table of COMPARED) {
    const rows = (schema: string) => rowsOf(schema, table, places);
    const difference = await reader.difference(rows("one"), rows("other"));
    const { lost, surplus } = difference;
    if (lost + surplus > 0) different.push({ table: tableName(table), ...difference });
  }
  expect(different).toEqual([]);
  expect(await reader.count("FROM other.silver_sessions")).toBeGreaterThan(100);
}

function rowsOf(schema: string, table: TableSpec, leftOut: readonly string[]): string {
  const names = table.columns.map(({ name }) => name);
  const rows = names.includes("revision") ? newestRows(schema, table) : `FROM ${copyOf(schema, table)}`;
  const places = names.filter((name) => leftOut.includes(name));
  return places.length === 0 ? rows : `SELECT * EXCLUDE (${places.join(", ")}) FROM (${rows})`;
}
