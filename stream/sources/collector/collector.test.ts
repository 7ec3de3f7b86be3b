import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type EventContract,
  encodeAvro,
  inventoryUpdateContract,
  orderContract,
} from "../../../schema/index.ts";
import { LmdbEventLog } from "../../adapters/lmdb-event-log.ts";
import { recordTexts } from "../../ports/record-texts.fixture.ts";
import { eventLoopScheduling } from "../../runtime/scheduling.ts";
import { partitionOf } from "../partitioner.ts";
import { Collector, collectedContracts } from "./collector.ts";
import { placesOfLines } from "./event-places.ts";

const NOW = Date.UTC(2026, 0, 31);
const PARTITIONS = 4;
const order = (i: number, changes: object = {}) => ({
  ...{ eventId: `e${i}`, orderId: `o${i}`, orderTime: NOW - i, userId: `u${i % 50}`, status: "placed" },
  ...{ currency: "EUR", totalMinor: 1999, itemCount: 1, "of mine": `ü${i}`, ...changes },
});

const { nextTurn } = eventLoopScheduling;

describe("a collector", () => {
  let folder: string;
  let log: LmdbEventLog;
  let collector: Collector;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-collector-"));
    log = new LmdbEventLog({ path: join(folder, "log"), clock: () => NOW });
    await log.createTopics(
      ["orders", "inventory-updates"].map((name) => {
        return { name, partitions: PARTITIONS, retentionMs: null, retentionBytes: null };
      }),
    );
    const decoding = { recordBytesMax: 1_000, futureSkewMs: 60_000 };
    collector = new Collector({ log, decoding, clock: () => NOW, nextTurn });
  });
  afterAll(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const collect = (lines: readonly (string | Uint8Array)[], contract: EventContract = orderContract) => {
    const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line as string), Buffer.from("\n")]));
    return collector.collect(contract, bytes, placesOfLines(bytes));
  };
  /** What a topic holds, by partition. */
  const recordsOf = (topic: string): Promise<string[][]> =>
    Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => recordTexts(log, topic, partition)));

  it("appends events as they came, by the key's partition and in their order", async () => {
    const lines = Array.from({ length: 1_300 }, (_, i) => JSON.stringify(order(i)));
    expect(await collect(lines)).toEqual({ accepted: 1_300, refused: 0, refusals: [] });
    const expected = Array.from({ length: PARTITIONS }, (_, p) =>
      lines.filter((_, i) => partitionOf(Buffer.from(`u${i % 50}`), PARTITIONS) === p),
    );
    expect(await recordsOf("orders")).toEqual(expected);
    expect(expected.every((records) => records.length > 0)).toBe(true);
  });

  it("refuses what the pipeline would refuse, with its reason, and takes the others", async () => {
    const update = (i: number, changes: object = {}) =>
      JSON.stringify({
        ...{ eventId: `i${i}`, updateTime: NOW, productId: `p${i}`, warehouseId: "w1" },
        ...{ kind: "delta", quantity: -1, ...changes },
      });
    const avro = encodeAvro(inventoryUpdateContract, JSON.parse(update(9)), 1);
    const lines = [
      update(0),
      update(1, { quantity: "many" }),
      "{",
      update(3, { note: "x".repeat(1_000) }),
      Buffer.concat([Buffer.from('{"eventId":"'), Buffer.of(0xff), Buffer.from('"}')]),
      update(5, { updateTime: NOW + 60_001 }),
      // No line end within it, which would be another matter.
      Buffer.from(avro.filter((byte) => byte !== 10)),
      update(7, { updateTime: NOW + 60_000 }),
    ];
    const { accepted, refused, refusals } = await collect(lines, inventoryUpdateContract);
    expect({ accepted, refused }).toEqual({ accepted: 2, refused: 6 });
    expect(refusals.map(({ index, reason, field }) => [index, reason, field])).toEqual([
      [1, "wrong-type", "quantity"],
      [2, "invalid-json", null],
      [3, "too-large", null],
      [4, "invalid-utf8", null],
      [5, "time-in-future", "updateTime"],
      [6, "unknown-schema", null],
    ]);
    expect((await recordsOf("inventory-updates")).flat().sort()).toEqual([lines[0], lines[7]]);
  });

  it("counts all refusals and tells of the first hundred", async () => {
    const { accepted, refused, refusals } = await collect(Array.from({ length: 1_100 }, () => "{}"));
    expect({ accepted, refused }).toEqual({ accepted: 0, refused: 1_100 });
    expect(refusals.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it("lets others have their turns between some hundred events", async () => {
    let turns = 0;
    const decoding = { recordBytesMax: 1_000, futureSkewMs: 60_000 };
    const count = async () => {
      turns++;
      await nextTurn();
    };
    const own = new Collector({ log, decoding, clock: () => NOW, nextTurn: count });
    const bytes = Buffer.from("0\n".repeat(10_000));
    expect((await own.collect(orderContract, bytes, placesOfLines(bytes))).refused).toBe(10_000);
    expect(turns).toBeGreaterThan(15);
  });

  it("takes nothing that the platform writes itself", () => {
    const topics = collectedContracts.map(({ topic }) => topic);
    expect(topics).toContain("customer-events");
    expect(topics).not.toContain("rule-changes");
    expect(topics).not.toContain("dead-letter-resends");
  });
});
