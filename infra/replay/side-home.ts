import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import { makeDataFolder } from "../tools/make-folder.ts";
import type { ReplayRange } from "./bronze-log.ts";

/** Says of a folder that it is the result of a replay, and of which. */
const MARK_FILE = "bronze-replay.json";

/** What is replayed: another one belongs into another folder. */
export interface MarkedReplay {
  /** The platform whose bronze is read. */
  readonly source: string;
  readonly range: ReplayRange;
}

/**
 * Takes a folder for a replay: one that is not there, an empty one, or that of the same replay, which goes on in it.
 *
 * @throws MillraceError `replay-target-taken`; `folder-unusable` where it cannot be made
 */
export async function claimSideHome(home: string, replay: MarkedReplay): Promise<void> {
  const mark = join(home, MARK_FILE);
  const text = `${JSON.stringify(replay)}\n`;
  const begun = await readFile(mark, "utf8").catch(() => null);
  if (begun === text) return;
  if (begun !== null)
    throw taken(home, "has the replay of another range or platform, and would keep what that one wrote");
  makeDataFolder(home);
  if ((await readdir(home)).length > 0) throw taken(home, "is not empty, and no replay's");
  await writeFile(mark, text);
}

function taken(home: string, why: string): MillraceError {
  return new MillraceError(`${home} ${why}: name a new folder, or delete this one`, {
    code: "replay-target-taken",
    origin: "user",
  });
}
