import { describe, expect, test } from "vitest";
import { callViolations, decoderViolations, skippedTestViolations } from "./calls.ts";
import { readSources } from "./source-file.ts";

test("time, chance, environment and console are used in their places only", () => {
  expect(readSources().flatMap(callViolations)).toEqual([]);
});

test("text of data keeps its first character", () => {
  expect(readSources().flatMap(decoderViolations)).toEqual([]);
});

test("no test is left out", () => {
  expect(readSources().flatMap(skippedTestViolations)).toEqual([]);
});

describe("a planted violation is caught:", () => {
  test.each([
    ["const t = Date.now();", "Date.now"],
    ["open(Date.now);", "Date.now"],
    ['const t = Date["now"]();', "Date.now"],
    ["const t = new Date();", "new Date()"],
    ["const t = Math.random();", "Math.random"],
    ["console.error(1);", "console.error"],
    ["const { HOME } = process.env;", "process.env"],
  ])("%s", (line, expected) => {
    expect(callViolations({ path: "stream/a.ts", text: `\n${line}` })).toEqual([
      expect.stringMatching(/^stream\/a\.ts:2: /),
    ]);
    expect(callViolations({ path: "stream/a.ts", text: line })[0]).toContain(expected);
  });

  test.each([
    "stream/adapters/a.ts",
    "infra/a.ts",
    "ml/a.test.ts",
    "ml/a.fixture.ts",
    "ml/testing/a.ts",
    "ml/a.bench.ts",
  ])("but not in %s", (path) => {
    expect(callViolations({ path, text: "Date.now()" })).toEqual([]);
  });

  test("and not in a comment, a text, or a date that is given", () => {
    const text = 'new Date(0); // Date.now()\nconst a = "Math.random()";';
    expect(callViolations({ path: "ml/a.ts", text })).toEqual([]);
  });

  test("a decoder that drops U+FEFF", () => {
    const text = "const a = new TextDecoder();\nconst b = new TextDecoder('utf-8', { fatal: true });";
    expect(decoderViolations({ path: "infra/a.ts", text })).toEqual([
      expect.stringMatching(/^infra\/a\.ts:1: /),
    ]);
    expect(decoderViolations({ path: "infra/a.test.ts", text })).toEqual([]);
  });

  test.each(["test.skip", "describe.only", "it.todo", "test.skipIf"])("%s", (call) => {
    expect(skippedTestViolations({ path: "ml/a.test.ts", text: `${call}("a", () => {});` })).toEqual([
      `ml/a.test.ts:1: ${call}: every test runs, everywhere`,
    ]);
  });
});
