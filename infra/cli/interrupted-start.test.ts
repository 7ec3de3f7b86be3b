import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const LAUNCHER = join(import.meta.dirname, "millrace.mjs");
/** Where nothing listens. */
const NOWHERE = "127.0.0.1:1";
const SETTINGS = {
  MILLRACE_MODE: "distributed",
  MILLRACE_KAFKA_BROKERS: NOWHERE,
  MILLRACE_S3_BUCKET: "lake",
  MILLRACE_S3_ENDPOINT: `http://${NOWHERE}`,
  MILLRACE_CATALOG_URI: `http://${NOWHERE}`,
  MILLRACE_REDIS_URL: `redis://${NOWHERE}`,
  MILLRACE_TRINO_URL: `http://${NOWHERE}`,
};
/** Of a start that waits for its servers; it would wait for a minute and a half. */
const END_MS_MAX = 5_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-interrupted-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly err: string;
  readonly endMs: number;
}

/** Runs the built command until it waits for Kafka, and sends it the signal then. */
function interruptWaiting(command: string, signal: NodeJS.Signals): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, command], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...SETTINGS },
    });
    let err = "";
    let interruptedAt: number | null = null;
    child.stderr.on("data", (piece) => {
      err += piece;
      if (interruptedAt !== null || !err.includes("waiting for Kafka")) return;
      interruptedAt = performance.now();
      child.kill(signal);
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, err, endMs: performance.now() - (interruptedAt ?? 0) });
    });
  });
}

it.each([
  ["up", "SIGINT", 130],
  ["up", "SIGTERM", 143],
  ["worker", "SIGINT", 130],
  ["worker", "SIGTERM", 143],
  ["compact", "SIGINT", 130],
] as const)(
  "%s that waits for its servers ends at %s",
  async (command, signal, code) => {
    const ended = await interruptWaiting(command, signal);
    expect(ended).toMatchObject({
      code,
      err: expect.stringContaining("millrace: interrupted before the platform was open\n"),
    });
    expect(ended.endMs).toBeLessThan(END_MS_MAX);
  },
  45_000,
);
