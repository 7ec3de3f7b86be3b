import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freshFolder, removeFolder } from "../scenarios/testing/scenario-home.ts";
import { claimSideHome } from "./side-home.ts";

let folder: string;
beforeEach(() => {
  folder = freshFolder("side-home");
});
afterEach(() => removeFolder(folder));

const replay = (from: number | null, source = "home") => ({ source, range: { from, to: null } });

test("a replay takes a new folder, and goes on in it", async () => {
  const home = join(folder, "new", "side");
  await claimSideHome(home, replay(5));
  writeFileSync(join(home, "of-the-replay"), "");
  await claimSideHome(home, replay(5));
  expect(readdirSync(home)).toContain("of-the-replay");
});

test("another range or platform is refused, and leaves the folder as it was", async () => {
  const home = join(folder, "side");
  mkdirSync(home);
  await claimSideHome(home, replay(5));
  for (const other of [replay(6), replay(null), replay(5, "another")])
    await expect(claimSideHome(home, other)).rejects.toMatchObject({ code: "replay-target-taken" });
  await claimSideHome(home, replay(5));
});

test("a folder that has anything is refused, whatever that is", async () => {
  writeFileSync(join(folder, "notes.txt"), "");
  await expect(claimSideHome(folder, replay(5))).rejects.toMatchObject({
    code: "replay-target-taken",
    message: expect.stringContaining("not empty"),
  });
  expect(readdirSync(folder)).toEqual(["notes.txt"]);
  await expect(claimSideHome(join(folder, "notes.txt"), replay(5))).rejects.toMatchObject({
    code: "folder-unusable",
  });
});
