import { expect, test } from "vitest";
import { childMessages, childResult, startChild } from "./child.ts";

const NUMBERS = 1_000_000;
const never = new AbortController().signal;

test("a result of megabytes comes whole, though the child ends behind it", async () => {
  const result = await childResult<number[]>("long-result.fixture", [String(NUMBERS)], never);
  expect(result).toHaveLength(NUMBERS);
});

test("so does one of a child that sends several messages", async () => {
  const child = startChild("long-result.fixture", [String(NUMBERS)], never);
  const next = childMessages<number[]>("long-result.fixture", child);
  expect(await next()).toHaveLength(NUMBERS);
  await expect(next()).rejects.toThrow("exit code 0");
});
