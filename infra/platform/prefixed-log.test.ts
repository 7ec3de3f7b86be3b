import { expect, test } from "vitest";
import type { EventLog, LogReader } from "../../stream/index.ts";
import { createPrefixedLog } from "./prefixed-log.ts";

test("a reader tells whether it is behind, prefix or not: a merge over topics waits for it", async () => {
  let isBehind = true;
  const reader: LogReader = {
    position: 0,
    get isBehind() {
      return isBehind;
    },
    read: () => null,
    wait: async () => undefined,
    close: () => undefined,
  };
  const asked: string[] = [];
  const log = {
    reader: async (topic: string) => {
      asked.push(topic);
      return reader;
    },
  } as unknown as EventLog;
  const prefixed = await createPrefixedLog(log, "shop.").reader("products", 0, 0);
  expect(asked).toEqual(["shop.products"]);
  expect(prefixed.isBehind).toBe(true);
  isBehind = false;
  expect(prefixed.isBehind).toBe(false);
});
