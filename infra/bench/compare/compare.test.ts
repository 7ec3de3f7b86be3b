import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRandom, openInputFile } from "../../../ml/index.ts";
import { ExchangeFolder } from "./exchange-folder.ts";
import { yoochooseComparison } from "./recommend.ts";

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "millrace-compare-"));
});
afterEach(() => rmSync(path, { recursive: true }));

interface Manifest {
  readonly [name: string]: { readonly type: string; readonly shape: readonly number[] };
}

const manifest = (): Manifest => JSON.parse(readFileSync(join(path, "manifest.json"), "utf8"));
const bytesOf = (name: string): Buffer => readFileSync(join(path, `${name}.bin`));

describe("what the scripts of other libraries are given", () => {
  it("is arrays as NumPy reads them: raw little-endian bytes, with type and shape beside them", () => {
    const folder = new ExchangeFolder(path);
    folder.write("labels", Uint8Array.of(1, 0));
    folder.write("columns", [Float32Array.of(1, 2, 3), new Float32Array([0, Number.NaN, 5, 6]).subarray(1)]);
    folder.write("items", Int32Array.of(-2));
    folder.write("units", [Float64Array.of(0.1)]);
    folder.finish();
    expect(manifest()).toEqual({
      labels: { type: "|u1", shape: [2] },
      columns: { type: "<f4", shape: [2, 3] },
      items: { type: "<i4", shape: [1] },
      units: { type: "<f8", shape: [1, 1] },
    });
    expect([0, 4, 8, 12, 16, 20].map((at) => bytesOf("columns").readFloatLE(at))).toEqual([
      1,
      2,
      3,
      Number.NaN,
      5,
      6,
    ]);
    expect(bytesOf("items").readInt32LE()).toBe(-2);
    expect(bytesOf("units").readDoubleLE()).toBe(0.1);
    expect([...bytesOf("labels")]).toEqual([1, 0]);
  });

  it("refuses rows that are not alike", () => {
    const folder = new ExchangeFolder(path);
    expect(() => folder.write("x", [Float32Array.of(1), Float32Array.of(1, 2)])).toThrow("not alike");
  });

  it("is our own split, and all that the script reads", async () => {
    const random = createRandom(1);
    const sessions = Array.from({ length: 60 }, () =>
      Array.from({ length: 3 }, () => Math.floor(100 + 8 * random())).join(" "),
    );
    const file = join(path, "sessions.txt");
    writeFileSync(file, `${sessions.join("\n")}\n`);
    const folder = new ExchangeFolder(path);
    const context = { seed: 1, onProgress() {}, clock: () => 0 };
    const models = await yoochooseComparison.measureOurs(openInputFile(file), folder, context);
    folder.finish();
    expect(models.map(({ name }) => name)).toEqual(["ours", "ours, first stage"]);
    for (const { figures } of models) expect(figures["hit rate"]).toBeGreaterThan(0);
    // 54 sessions to learn from; of each of the other six, two prefixes.
    const { starts, items, targets, caseFrom, caseTo } = manifest();
    expect([starts, items, targets, caseFrom, caseTo].map(({ shape }) => shape[0])).toEqual([
      55, 162, 12, 12, 12,
    ]);
    const script = readFileSync(new URL(yoochooseComparison.script, import.meta.url), "utf8");
    const read = [...script.matchAll(/arrays\["(\w+)"\]/g)].map(([, name]) => name);
    expect(Object.keys(manifest())).toEqual(expect.arrayContaining(read));
    expect(read).not.toEqual([]);
  });
});
