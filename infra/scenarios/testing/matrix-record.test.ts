import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MatrixResult } from "./distributed-matrix.ts";
import { MatrixRecord } from "./matrix-record.ts";

const setup = { seed: 1, events: 1000, times: 6 };
const row = (name: string, problems: readonly string[] = []): MatrixResult => ({
  names: [name],
  recoveriesMs: [1],
  lost: problems.length,
  doubled: 0,
  problems,
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-matrix-"));
  path = join(folder, "rows.ndjson");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a matrix that was interrupted goes on behind the rows that passed", () => {
  const first = new MatrixRecord(path, setup);
  first.add(row("after upload"));
  first.add(row("before prepare", ["lost: a row"]));
  appendFileSync(path, '{"setup":{"seed":1,"ev');
  const next = new MatrixRecord(path, setup);
  expect(next.passed(["after upload"])).toEqual(row("after upload"));
  expect(next.passed(["before prepare"])).toBe(null);
  expect(next.passed(["after prepare"])).toBe(null);
});

test("what another seed or size recorded counts for nothing", () => {
  new MatrixRecord(path, setup).add(row("after upload"));
  for (const other of [{ seed: 2 }, { events: 2000 }, { times: 1 }])
    expect(new MatrixRecord(path, { ...setup, ...other }).passed(["after upload"])).toBe(null);
});
