import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AppendBatch } from "../../ports/event-log.ts";
import { partitionOf } from "../partitioner.ts";
import { createReferenceEvents } from "./reference-events.ts";

function* values(chunks: Iterable<readonly AppendBatch[]>): Generator<{ partition: number; text: string }> {
  for (const chunk of chunks) {
    for (const batch of chunk) {
      const bytes = Buffer.from(batch.bytes);
      for (let i = 0; i < batch.count; i++) {
        yield { partition: batch.partition, text: bytes.toString("utf8", batch.starts[i], batch.ends[i]) };
      }
    }
  }
}

const digest = (seed: number): string => {
  const hash = createHash("sha256");
  for (const value of values(createReferenceEvents({ events: 5000, seed, partitions: 2 })))
    hash.update(value.text);
  return hash.digest("hex");
};

describe("createReferenceEvents", () => {
  it("is a function of the seed", () => {
    expect(digest(7)).toBe(digest(7));
    expect(digest(7)).not.toBe(digest(8));
  });

  it("has the shape of the reference job", () => {
    const source = createReferenceEvents({ events: 100_000, seed: 3, partitions: 4 });
    const byType: Record<string, number> = {};
    const ids = new Set<string>();
    const highest = [0, 0, 0, 0];
    let refused = 0;
    let bytes = 0;
    let fields = 0;
    for (const { partition, text } of values(source)) {
      bytes += text.length;
      let event: Record<string, unknown>;
      try {
        event = JSON.parse(text);
      } catch {
        refused++;
        continue;
      }
      const { eventType, eventTime, userId } = event;
      const known = ["page_view", "item_view", "search", "cart_add", "purchase"].includes(String(eventType));
      if (!known || typeof eventTime !== "number" || eventTime < 0 || typeof userId !== "string") {
        refused++;
        continue;
      }
      byType[String(eventType)] = (byType[String(eventType)] ?? 0) + 1;
      ids.add(String(event.eventId));
      fields += Object.keys(event).length;
      expect(partitionOf(Buffer.from(userId), 4)).toBe(partition);
      expect(highest[partition] - eventTime).toBeLessThanOrEqual(2000);
      highest[partition] = Math.max(highest[partition], eventTime);
    }
    expect(refused).toBe(source.counts.malformed);
    expect(byType).toEqual(source.counts.byType);
    expect(ids.size).toBe(100_000 - refused);
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThan(160);
    expect(byType.page_view / 100_000).toBeCloseTo(0.7, 2);
    expect(byType.purchase / 100_000).toBeCloseTo(0.03, 2);
    expect(bytes / 100_000).toBeGreaterThan(230);
    expect(bytes / 100_000).toBeLessThan(260);
    expect(fields / ids.size).toBeGreaterThan(10.5);
  });
});
