#!/usr/bin/env node
// The `millrace` command. Plain JavaScript that any Node from 18 on can run: it hands over to the Node
// that package.json pins, whichever `node` the PATH has.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NODE_MAJOR = 24;
const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const program = join(root, "dist", "infra", "cli", "main.js");
const engineSettings = join(root, "dist", "infra", "platform", "engine-settings.js");

/** The pinned Node, wherever npm put the package `node`; null where it is not installed. */
function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const binary = join(dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(binary) ? binary : null;
  } catch {
    return null;
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (!existsSync(program)) {
  fail("millrace is not built yet: run `npm ci` (it builds), or `npm run build` after a change.");
}
if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) {
  await setUpMalloc();
  const { main } = await import(pathToFileURL(program).href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  const node = pinnedNode();
  if (node === null) {
    fail(
      `millrace needs Node ${NODE_MAJOR}; this is ${process.version}, and the pinned one is missing: run \`npm ci\`.`,
    );
  }
  handOver(node);
}

/** Begins this process anew, as the same one, with what glibc reads only then; unless that was set by somebody. */
async function setUpMalloc() {
  if (process.platform !== "linux" || process.env.GLIBC_TUNABLES !== undefined) return;
  const { MALLOC } = await import(pathToFileURL(engineSettings).href);
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, ...MALLOC });
}

/** Replaces this process as far as Node lets it: same streams, signals passed on, same exit. */
function handOver(node) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; a supervisor's SIGTERM reaches only this one.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
