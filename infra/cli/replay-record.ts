import { createHash } from "node:crypto";
import type { ObjectStore } from "../../lakehouse/index.ts";
import { utf8Decoder } from "../../schema/index.ts";
import type { Platform } from "../platform/platform.ts";

/** Next offset of each partition, by topic. */
type Offsets = Readonly<Record<string, readonly number[]>>;

interface StoredReplay {
  readonly producerId: string;
  readonly anchorMs: number;
  readonly begin: Offsets;
  readonly end: Offsets | null;
}

/**
 * What is known of one replay, an object under `replays/`: when it first began (a resumed shift must write the
 * same times), and which part of the log it filled (so that a repeat reports the same refusals and late events).
 */
export class ReplayRecord {
  readonly #objects: ObjectStore;
  readonly #key: string;
  #stored: StoredReplay;

  private constructor(objects: ObjectStore, key: string, stored: StoredReplay) {
    this.#objects = objects;
    this.#key = key;
    this.#stored = stored;
  }

  /** The record of an earlier run of the same replay, or a new one. */
  static async open(platform: Platform, producerId: string, nowMs: number): Promise<ReplayRecord> {
    const { objects } = platform.adapters;
    const key = `replays/${replayName(producerId)}.json`;
    if ((await objects.head(key)) !== null) {
      const stored = JSON.parse(utf8Decoder.decode(await objects.get(key))) as StoredReplay;
      return new ReplayRecord(objects, key, stored);
    }
    const begin = await currentOffsets(platform);
    const record = new ReplayRecord(objects, key, { producerId, anchorMs: nowMs, begin, end: null });
    await record.#write();
    return record;
  }

  get anchorMs(): number {
    return this.#stored.anchorMs;
  }

  /** Everything is in the log; the first call counts. */
  async loaded(platform: Platform): Promise<void> {
    if (this.#stored.end !== null) return;
    this.#stored = { ...this.#stored, end: await currentOffsets(platform) };
    await this.#write();
  }

  /** Records of the replay's part of the log that the pipeline refused, by reason. */
  async refused(platform: Platform): Promise<Record<string, number>> {
    const part = this.#part(["_topic", "_partition", "_offset"]);
    if (part === null) return {};
    const { rows } = await platform.queryEngine.query(
      `SELECT reason, count(*) AS records FROM {bronze.dead_letters} WHERE ${part.condition} GROUP BY reason ORDER BY reason`,
      part.values,
    );
    return Object.fromEntries(rows.map(({ reason, records }) => [String(reason), Number(records)]));
  }

  /** Customer events of the replay's part of the log that came behind the watermark. */
  async late(platform: Platform): Promise<number> {
    const part = this.#part(["'customer-events'", "_partition", "_offset"]);
    if (part === null) return 0;
    const { rows } = await platform.queryEngine.query(
      `SELECT count(*) AS events FROM {silver.events} WHERE is_late AND (${part.condition})`,
      part.values,
    );
    return Number(rows[0].events);
  }

  /** SQL that holds for what lies in the replay's part of the log; null where that is empty. */
  #part([topicSql, partitionSql, offsetSql]: readonly [string, string, string]) {
    const { begin, end } = this.#stored;
    const ranges = Object.entries(begin).flatMap(([topic, offsets]) =>
      offsets.map((from, partition) => [topic, partition, from, end?.[topic]?.[partition] ?? from] as const),
    );
    const filled = ranges.filter(([, , from, to]) => to > from);
    if (filled.length === 0) return null;
    const conditions = filled.map(
      (_, i) =>
        `(${topicSql} = $${4 * i + 1} AND ${partitionSql} = $${4 * i + 2} AND ${offsetSql} >= $${4 * i + 3} AND ${offsetSql} < $${4 * i + 4})`,
    );
    return { condition: conditions.join(" OR "), values: filled.flat() };
  }

  /** An object is put as a whole: a crash leaves this record or the one before. */
  async #write(): Promise<void> {
    await this.#objects.put(this.#key, new TextEncoder().encode(`${JSON.stringify(this.#stored)}\n`));
  }
}

/** What a replay's objects are called. */
export function replayName(producerId: string): string {
  return createHash("sha256").update(producerId).digest("hex").slice(0, 32);
}

async function currentOffsets(platform: Platform): Promise<Offsets> {
  const offsets: Record<string, number[]> = {};
  for (const { name, partitions } of await platform.log.topics()) {
    offsets[name] = [];
    for (let p = 0; p < partitions; p++) offsets[name].push((await platform.log.offsets(name, p)).end);
  }
  return offsets;
}
