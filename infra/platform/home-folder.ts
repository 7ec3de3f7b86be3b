import { MillraceError } from "../../schema/index.ts";
import { HomeLog } from "../../stream/adapters/index.ts";
import { makeDataFolder } from "../tools/make-folder.ts";

/**
 * Called by whatever opens a home before anything in it: makes the folder, or leaves no trace of a mistyped one.
 *
 * @param makes whether one that is not there yet is made
 * @throws MillraceError `home-missing` where none is there or made, `folder-unusable` where this user cannot write into it
 */
export function readyHome(home: string, { makes }: { readonly makes: boolean }): void {
  if (!makes && !HomeLog.isIn(home)) throw missing(home);
  makeDataFolder(home);
}

function missing(home: string): MillraceError {
  return new MillraceError(
    `there is no home at ${home}: name the one that is meant with --home, or make one there with \`millrace up --home ${home}\``,
    { code: "home-missing", origin: "user" },
  );
}
