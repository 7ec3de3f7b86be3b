import { expect, test } from "vitest";
import { asKafkaError } from "./kafka-errors.ts";
import { protocolError } from "./kafkajs-internals.ts";

test.each([
  ["CORRUPT_MESSAGE", 2],
  ["UNSTABLE_OFFSET_COMMIT", 88],
])("%s passes: it is tried again", (kind, code) => {
  expect(asKafkaError(protocolError(code), "a test", [])).toMatchObject({ kind, retry: true });
});
