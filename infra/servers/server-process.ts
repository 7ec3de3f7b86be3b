import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { MillraceError } from "../../schema/index.ts";
import { identityOf, isRunning, type ProcessIdentity } from "../tools/process-identity.ts";
import { isPortFree } from "./probes.ts";
import type { Instance, ServerSpec } from "./server-spec.ts";

const POLL_MS = 100;
/** A server that has not ended after this time is killed. */
const STOP_MS_MAX = 20_000;
const LOG_LINES_SHOWN = 20;

/** The file `server.json` in a server's folder: the process that was started last for it. */
export interface ServerRecord extends ProcessIdentity {
  /** All that it takes; the first is the one that clients know. */
  readonly ports: readonly number[];
  readonly version: string;
}

/** The process that runs on this folder, or null. */
export function runningServer(folder: string): ServerRecord | null {
  try {
    const record = JSON.parse(readFileSync(recordFile(folder), "utf8")) as ServerRecord;
    return isRunning(record) ? record : null;
  } catch {
    return null;
  }
}

/**
 * Starts a server and resolves when it does its work. It outlives this process, and is found again by
 * its record, which is written before anything waits for it.
 *
 * Throws `port-in-use`, or `server-start-failed` with the end of its log.
 */
export async function startServer(
  spec: ServerSpec,
  instance: Instance,
  portAdvice: string,
): Promise<ServerRecord> {
  const ports = Array.from({ length: spec.port.count }, (_, i) => instance.port + i);
  for (const port of ports) {
    if (!(await isPortFree(port))) throw portInUse(spec, port, portAdvice);
  }
  await spec.prepare?.(instance);
  const child = await spawnServer(spec, instance);
  const record = { ...identityOf(child.pid!), ports, version: spec.version };
  writeRecord(instance.folder, record);
  try {
    await untilReady(spec, instance, record);
  } catch (error) {
    await stopServer(instance.folder, "SIGKILL");
    throw error;
  }
  return record;
}

/** Ends the server of a folder, if one runs: asks it first (SIGTERM), or kills it. */
export async function stopServer(folder: string, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
  const record = runningServer(folder);
  if (record !== null) {
    process.kill(record.pid, signal);
    // A paused process sees the signal only when it goes on.
    process.kill(record.pid, "SIGCONT");
    if (!(await ends(record, STOP_MS_MAX))) {
      if (isRunning(record)) process.kill(record.pid, "SIGKILL");
      await ends(record, STOP_MS_MAX);
    }
  }
  rmSync(recordFile(folder), { force: true });
}

/** Whether the running process of a folder answers as it should. */
export async function isServerReady(spec: ServerSpec, instance: Instance): Promise<boolean> {
  return spec.isReady(instance).catch(() => false);
}

/** Resident memory in MiB, or null where the system does not tell. */
export async function memoryMiB(pid: number): Promise<number | null> {
  const kib = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]).then(
    ({ stdout }) => Number(stdout),
    () => 0,
  );
  return kib > 0 ? Math.round(kib / 1024) : null;
}

export function logFile(folder: string): string {
  return join(folder, "server.log");
}

async function spawnServer(spec: ServerSpec, instance: Instance): Promise<ChildProcess> {
  const { command, args, environment, runAs } = await spec.launch(instance);
  mkdirSync(instance.folder, { recursive: true });
  const log = openSync(logFile(instance.folder), "w");
  try {
    const child = spawn(command, args, {
      cwd: instance.folder,
      env: { ...process.env, ...environment },
      stdio: ["ignore", log, log],
      // A process group of its own: Ctrl-C in the terminal is not for it.
      detached: true,
      ...runAs,
    });
    await once(child, "spawn");
    child.unref();
    return child;
  } catch (cause) {
    throw new MillraceError(`${spec.title} cannot be started: ${(cause as Error).message}`, {
      code: "server-start-failed",
      origin: "external",
      cause,
    });
  } finally {
    closeSync(log);
  }
}

async function untilReady(spec: ServerSpec, instance: Instance, record: ServerRecord): Promise<void> {
  const deadline = performance.now() + spec.startMsMax;
  while (!(await isServerReady(spec, instance))) {
    const ended = !isRunning(record);
    if (ended || performance.now() > deadline) {
      const why = ended ? "it ended" : `it was not ready after ${spec.startMsMax / 1000} s`;
      const path = logFile(instance.folder);
      throw new MillraceError(`${spec.title} did not start: ${why}. The end of ${path}:\n${logEnd(path)}`, {
        code: "server-start-failed",
        origin: "external",
        retry: true,
      });
    }
    await sleep(POLL_MS);
  }
}

/** The last lines, without Java's stack traces, which would hide what they are about. */
function logEnd(path: string): string {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines
    .filter((line) => !/^\s+at /.test(line))
    .slice(-LOG_LINES_SHOWN)
    .join("\n");
}

/** Whether it ends, and with the last of its threads lets its ports go. */
async function ends(record: ServerRecord, waitMsMax: number): Promise<boolean> {
  const deadline = performance.now() + waitMsMax;
  while (isRunning(record) || !(await Promise.all(record.ports.map(isPortFree))).every(Boolean)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS / 2);
  }
  return true;
}

/** Replaces the record in one step, so that a kill leaves the old one or the new one. */
function writeRecord(folder: string, record: ServerRecord): void {
  const temporary = `${recordFile(folder)}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(record));
  renameSync(temporary, recordFile(folder));
}

function recordFile(folder: string): string {
  return join(folder, "server.json");
}

function portInUse(spec: ServerSpec, port: number, advice: string): MillraceError {
  return new MillraceError(
    `${spec.title} cannot start: another program uses port ${port}. End that program, or ${advice}.`,
    {
      code: "port-in-use",
      origin: "user",
    },
  );
}
