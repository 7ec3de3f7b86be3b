import { accessSync, constants } from "node:fs";
import { MillraceError } from "../../schema/index.ts";
import { HomeLog } from "../../stream/adapters/index.ts";
import { makeFolder } from "../tools/make-folder.ts";

/**
 * Called by whatever opens a home before anything in it: makes the folder, or leaves no trace of a mistyped one.
 *
 * @param makes whether one that is not there yet is made
 * @throws MillraceError `home-missing` where none is there or made, `home-unusable` where this user cannot write into it
 */
export function readyHome(home: string, { makes }: { readonly makes: boolean }): void {
  if (!makes && !HomeLog.isIn(home)) throw missing(home);
  try {
    makeFolder(home);
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MillraceError(
      `${home} cannot hold the data (${code}): name a folder that this user can write`,
      { code: "home-unusable", origin: "user", cause },
    );
  }
}

function missing(home: string): MillraceError {
  return new MillraceError(
    `there is no home at ${home}: name the one that is meant with --home, or make one there with \`millrace up --home ${home}\``,
    { code: "home-missing", origin: "user" },
  );
}
