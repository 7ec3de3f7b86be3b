import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openInputFile, unusableFile } from "./input-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-input-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("an input file", () => {
  it("is read the same plain and gzipped", async () => {
    const text = "a\r\nb\n\nlast";
    await writeFile(join(folder, "plain"), text);
    await writeFile(join(folder, "zipped"), gzipSync(text));
    for (const name of ["plain", "zipped"]) {
      const file = openInputFile(join(folder, name));
      expect(await file.text()).toBe(text);
      expect(await file.lines()).toEqual(["a", "b", "", "last"]);
    }
  });

  it("has no line after the last line end", async () => {
    await writeFile(join(folder, "lines"), "a\nb\n");
    expect(await openInputFile(join(folder, "lines")).lines()).toEqual(["a", "b"]);
  });

  it.each([
    ["is cut off", gzipSync("abc".repeat(1000)).subarray(0, 20)],
    ["is no text", Buffer.from([0xff, 0xfe, 0x00])],
  ])("names a file that %s", async (_, bytes) => {
    const path = join(folder, "bad");
    await writeFile(path, bytes);
    await expect(openInputFile(path).lines()).rejects.toMatchObject({
      code: "file-unusable",
      message: expect.stringContaining(path),
    });
  });

  it("is refused with path and line", () => {
    expect(unusableFile("a.csv", "no number", { line: 7 }).message).toBe(
      "a.csv cannot be used: line 7: no number",
    );
  });
});
