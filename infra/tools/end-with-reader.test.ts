import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../checks/source-file.ts";

/** Programs that a user starts, as sources; `millrace` itself is the built one. */
const PROGRAMS = [
  "infra/cli/millrace.mjs",
  "infra/bench/main.ts",
  "infra/bench/evaluate/main.ts",
  "infra/bench/compare/main.ts",
];

test.each(PROGRAMS)("%s ends quietly where nobody reads what it says", async (program) => {
  const child = spawn(process.execPath, [join(repositoryRoot, program), "--help"]);
  child.stdout.destroy();
  let err = "";
  child.stderr.on("data", (piece) => {
    err += piece;
  });
  const [code] = await once(child, "close");
  expect({ code, err }).toEqual({ code: 0, err: "" });
});
