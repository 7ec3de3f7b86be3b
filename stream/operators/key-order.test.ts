import { expect, test } from "vitest";
import { KeyDictionary } from "../../schema/index.ts";
import { sortByKey } from "./key-order.ts";
import { seededRandom } from "./testing/drive.ts";

function sorted(texts: readonly string[]): string[] {
  const dictionary = new KeyDictionary("key");
  const ids = Int32Array.from(texts, (text) => dictionary.internText(text));
  return [...sortByKey(ids, dictionary)].map((id) => dictionary.text(id));
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("keys that differ in six bytes behind their common beginning are in byte order", () => {
  expect(sorted(["user-10", "user-9", "user-1", "user-100"])).toEqual([
    "user-1",
    "user-10",
    "user-100",
    "user-9",
  ]);
  const random = seededRandom(1);
  const texts = [...new Set(Array.from({ length: 2000 }, () => `shop/${Math.floor(random() * 1e6)}`))];
  expect(sorted(texts)).toEqual(texts.toSorted(byBytes));
});

test("a key that others begin with comes first, an empty one too", () => {
  expect(sorted(["ab", "a", "abc", ""])).toEqual(["", "a", "ab", "abc"]);
});

test("bytes beyond ASCII are ordered as bytes", () => {
  const texts = ["z", "é", "語", "😀", "a", "\u0000"];
  expect(sorted(texts)).toEqual(texts.toSorted(byBytes));
});

test("keys are all there where none, one or all are equal in what is compared", () => {
  expect(sorted([])).toEqual([]);
  expect(sorted(["one"])).toEqual(["one"]);
  const alike = ["a123456-z", "a123456-y", "b"];
  expect(sorted(alike)).toEqual(["a123456-z", "a123456-y", "b"]);
});
