import { expect, it } from "vitest";
import { inventoryUpdateContract, MillraceError } from "../../schema/index.ts";
import type { AppendBatch, EventLog } from "../../stream/index.ts";
import { LineProducer } from "./line-producer.ts";

const LINES = Array.from({ length: 2_500 }, (_, n) => ({
  line: n + 1,
  bytes: Buffer.from(
    n === 7
      ? "no json"
      : JSON.stringify({
          eventId: `e${n}`,
          productId: `p${n % 7}`,
          updateTime: 1_700_000_000_000,
          warehouseId: "w1",
          kind: "delta",
          quantity: n,
        }),
  ),
}));

it("tells with a failure what is appended, and which lines may be", async () => {
  let appended = 0;
  const append = async (batches: readonly AppendBatch[]) => {
    if (appended >= 1_999)
      throw new MillraceError("no broker answers", {
        code: "log-unreachable",
        origin: "external",
        retry: true,
      });
    for (const { count } of batches) appended += count;
    return { appended: true, baseOffsets: [] };
  };
  const producer = new LineProducer({
    log: { append } as Partial<EventLog> as EventLog,
    contract: inventoryUpdateContract,
    partitions: 2,
    schemaId: null,
    ratePerSecond: null,
    clock: () => 0,
    sleep: async () => undefined,
  });
  const failure = await producer.take(LINES, new AbortController().signal).then(
    () => expect.unreachable(),
    (error) => producer.failureOf(error),
  );
  expect(failure).toMatchObject({
    code: "log-unreachable",
    origin: "external",
    retry: true,
    progress: { produced: 1_999, linesDone: 2_000, linesBegun: 2_500 },
    message:
      "no broker answers; 1,999 records of the first 2,000 lines are appended; of lines 2,001 to 2,500, which were under way, some may be, too",
  });
});
