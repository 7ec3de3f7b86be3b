import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runCli } from "../cli/testing/run-cli.ts";

const LAUNCHER = join(import.meta.dirname, "..", "cli", "millrace.mjs");
const KEY = "shop-0123456789abcdef";
const SECRET = `whsec_${randomBytes(32).toString("base64")}`;
/** By the rule order-velocity, four orders of a user within ten minutes raise an alert each. */
const ORDERS = 4;
const TIMEOUT_MS = 120_000;

let folder: string;
let receiver: Server;
/** What the receiver answers. */
let status: number;
/** Alerts of the messages that it took, and how many messages it did not take. */
let taken: string[];
let refused: number;
let running: ChildProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-webhook-"));
  [status, taken, refused, running] = [500, [], 0, []];
  receiver = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString();
    const { data } = new Webhook(SECRET).verify(body, request.headers as Record<string, string>) as {
      data: { alerts: { id: string; revision: number }[] };
    };
    if (status === 200) taken.push(...data.alerts.map(({ id, revision }) => `${id} ${revision}`));
    else refused++;
    response.writeHead(status).end();
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
});
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  receiver.closeAllConnections();
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the platform; resolves with its address when it works. */
async function up(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const { port } = receiver.address() as AddressInfo;
  const child = spawn(process.execPath, [LAUNCHER, "up", "--no-generator", "--port", "0", "--json"], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      MILLRACE_API_KEYS: `shop:producer:${KEY}`,
      MILLRACE_WEBHOOK_URL: `http://127.0.0.1:${port}/alerts`,
      MILLRACE_WEBHOOK_SECRET: SECRET,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  running.push(child);
  let out = "";
  for await (const piece of child.stdout as NodeJS.ReadableStream) {
    out += piece;
    if (out.includes("\n")) break;
  }
  return { child, url: JSON.parse(out).url };
}

/** As many orders of the user as raise an alert, over HTTP. */
async function buy(url: string, userId: string): Promise<void> {
  const orderTime = Date.now();
  const orders = Array.from({ length: ORDERS }, (_, i) => ({
    ...{ eventId: `${userId}-${i}`, orderId: `${userId}-${i}`, orderTime, userId },
    ...{ status: "placed", currency: "EUR", totalMinor: 1999, itemCount: 1 },
  }));
  const response = await fetch(`${url}/collect/orders`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
    body: JSON.stringify(orders),
  });
  expect(response.status).toBe(200);
}

it(
  "has every alert, in order, though the receiver was down and the platform was killed meanwhile",
  async () => {
    const patient = { timeout: TIMEOUT_MS / 2 };
    const first = await up();
    await buy(first.url, "ann");
    await expect.poll(() => refused, patient).toBeGreaterThan(0);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");

    const second = await up();
    await buy(second.url, "bob");
    status = 200;
    await expect.poll(() => new Set(taken).size, patient).toBe(2 * ORDERS);
    second.child.kill("SIGTERM");
    await once(second.child, "exit");

    const consumed = await runCli(["consume", "alerts"], { folder });
    expect(consumed.code).toBe(0);
    const published = consumed.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ id, revision }) => `${id} ${revision}`);
    expect(published).toHaveLength(2 * ORDERS);
    expect([...new Set(taken)]).toEqual(published);
  },
  TIMEOUT_MS,
);
