import { accessSync, constants } from "node:fs";
import { MillraceError } from "../../schema/index.ts";
import { makeFolder } from "../tools/make-folder.ts";

/** Makes the folder unless it is there; throws `home-unusable` where this user cannot write into it. */
export function makeHome(home: string): void {
  try {
    makeFolder(home);
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MillraceError(
      `${home} cannot hold the data (${code}): name a folder that this user can write`,
      {
        code: "home-unusable",
        origin: "user",
        cause,
      },
    );
  }
}
