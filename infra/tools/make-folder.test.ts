import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder } from "./make-folder.ts";

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-make-folder-"));
  writeFileSync(at("file"), "");
  symlinkSync(at("nothing"), at("dangling"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a folder", () => {
  test("is made with those above it, and stays where it is there", () => {
    makeFolder(at("a", "b", "c"));
    writeFileSync(at("a", "b", "c", "file"), "kept");
    makeFolder(at("a", "b", "c"));
    makeFolder("/");
    expect(statSync(at("a", "b", "c", "file")).size).toBe(4);
  });

  test.each([
    ["file", "EEXIST"],
    ["file/below", "ENOTDIR"],
    ["file/far/below", "ENOTDIR"],
    ["dangling", "ENOENT"],
    ["dangling/far/below", "ENOENT"],
  ])("that cannot be made is an error, not an endless try: %s", (path, code) => {
    expect(() => makeFolder(at(path))).toThrow(expect.objectContaining({ code }));
  });

  test("is not made in /proc, on whichever system", () => {
    expect(() => makeFolder("/proc/x/y")).toThrow();
  });
});
