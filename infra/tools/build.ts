/** Compiles what runs in production into `dist`, then removes what an earlier build left there. */
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

const root = join(import.meta.dirname, "../..");
const output = join(root, "dist");
const EMITTED = "TSFILE: ";

const compiler = join(root, "node_modules/typescript/bin/tsc");
const { status, stdout, error } = spawnSync(
  process.execPath,
  [compiler, "-p", join(root, "tsconfig.build.json"), "--listEmittedFiles", "--pretty", "false"],
  { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 << 20 },
);
if (error !== undefined) throw error;
const lines = stdout.split("\n").filter((line) => line !== "");
const messages = lines.filter((line) => !line.startsWith(EMITTED));
if (messages.length > 0) process.stderr.write(`${messages.join("\n")}\n`);
if (status === 0) {
  removeAllBut(
    new Set(lines.filter((line) => line.startsWith(EMITTED)).map((line) => line.slice(EMITTED.length))),
  );
}
process.exitCode = status ?? 1;

/** After the build and file by file, so that a platform that runs from `dist` keeps what it may still load. */
function removeAllBut(emitted: ReadonlySet<string>): void {
  const kept = new Set([...emitted].map((file) => relative(output, file)));
  for (const entry of readdirSync(output, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(relative(output, path))) rmSync(path);
  }
}
