import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../stream/index.ts";
import { connectionSettings, type ServerEndpoints } from "../servers/local-servers.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import type { ServerName } from "../servers/server-spec.ts";
import { testServer, testServers, uniqueName } from "../servers/test-servers.ts";
import { CrashMatrix } from "./testing/crash-matrix.ts";
import type { Connections } from "./testing/distributed-config.ts";
import { DistributedMatrix, distributedTable, type MatrixResult } from "./testing/distributed-matrix.ts";
import { NEEDS_MORE } from "./testing/final-rows.ts";
import { MatrixRecord } from "./testing/matrix-record.ts";
import {
  answerRows,
  type MatrixRow,
  type MatrixServers,
  pointRows,
  processRows,
  serverRows,
} from "./testing/matrix-rows.ts";

const MINUTES_MS = 60_000;
/** Everything, by `npm run matrix`: over 100 kills, over 1,000,000 events. */
const isFull = process.env.MILLRACE_MATRIX === "full";
/** Customer events of each run; fewer, and of one row by vitest's `-t`, for a look. */
const EVENTS = Number(process.env.MILLRACE_MATRIX_EVENTS ?? (isFull ? 55_000 : 6_000));
/** Disturbances of each row. */
const TIMES = Number(process.env.MILLRACE_MATRIX_TIMES ?? (isFull ? 6 : 1));
/** Where the rows that are done are noted: run again, the matrix goes on behind them. */
const RECORD = process.env.MILLRACE_MATRIX_RECORD ?? "";
/** Those of the short matrix: one of each phase, so that it stays within minutes. */
const SHORT_POINTS = [
  "after upload",
  "after prepare",
  "between the table commits",
  "before the offset commit",
];

/** The seed of random moments; printed, so that a failing one can be given again. */
const seed = Number(process.env.MILLRACE_SEED ?? 1);

describe(`worker processes and servers that are killed (seed ${seed})`, () => {
  const privates: PrivateServer<ServerName>[] = [];
  const results: MatrixResult[] = [];
  const record = new MatrixRecord(isFull ? RECORD : "", { seed, events: EVENTS, times: TIMES });
  let matrix: DistributedMatrix;
  let servers: MatrixServers;
  const random = new SeededRandom(seed);
  const processes = processRows(() => random.below(1_000) / 1_000);

  beforeAll(async () => {
    const connections = isFull ? await privateStack() : await sharedStack();
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    // Trino reads every table of the full matrix; the short one has none, which takes long to start.
    const readBy = isFull ? "query engine" : "iceberg extension";
    const name = uniqueName("matrix");
    matrix = await DistributedMatrix.open({ connections, events: EVENTS, name, readBy, say });
  }, 10 * MINUTES_MS);
  afterAll(async () => {
    if (results.length > 0) process.stderr.write(`${distributedTable(results)}\n`);
    matrix?.close();
    for (const server of privates.reverse()) await server.remove();
  });

  /** Tables have fixed names, so the catalog is the test's own; all else is apart by name. */
  async function sharedStack() {
    await testServers.start(["kafka", "minio", "redis"]);
    const catalog = await startPrivateServer("catalog", { endpoints: { minio: await testServer("minio") } });
    privates.push(catalog);
    const connections = connectionSettings(testServers, ["kafka", "minio", "redis"]);
    // Tables are read without a query engine here: none is started, and the address of none has to do.
    const rest = { catalogUri: catalog.endpoint.uri, trinoUrl: "http://127.0.0.1:1" };
    return { ...connections, ...rest };
  }

  async function privateStack() {
    const [kafka, minio, redis] = await Promise.all([
      startPrivateServer("kafka"),
      startPrivateServer("minio"),
      startPrivateServer("redis"),
    ]);
    privates.push(kafka, minio, redis);
    const catalog = await startPrivateServer("catalog", { endpoints: { minio: minio.endpoint } });
    privates.push(catalog);
    const endpoints = { minio: minio.endpoint, catalog: catalog.endpoint };
    const trino = await startPrivateServer("trino", { endpoints });
    privates.push(trino);
    servers = { kafka, minio, redis, catalog, trino };
    const group = { kafka, minio, redis, catalog, trino };
    const endpoint = (name: keyof typeof group) => group[name].endpoint;
    const names = Object.keys(group) as (keyof typeof group)[];
    return connectionSettings({ endpoint } as ServerEndpoints, names) as Connections;
  }

  async function expectNothingLostOrDoubled(rows: readonly MatrixRow[]): Promise<void> {
    const known = record.passed(rows.map(({ name }) => name));
    const result = known ?? (await matrix.run(rows, TIMES));
    if (known === null) record.add(result);
    results.push(result);
    expect(result.problems).toEqual([]);
    expect([result.lost, result.doubled]).toEqual([0, 0]);
  }

  it("have something to lose: rows in every table, alerts, hot values", () => {
    const { rows, state } = matrix.reference;
    const empty = [...rows].filter(([, count]) => count === 0).map(([table]) => table);
    expect(empty.filter((table) => !NEEDS_MORE.includes(table))).toEqual([]);
    expect(Math.min(state.alerts.length, state.hot.size)).toBeGreaterThan(100);
  });

  if (isFull) {
    it("are held to a run that was left alone, and equals the oracles", async () => {
      expect(await matrix.againstOracles()).toEqual(new Map());
    });
  }

  const rows: readonly (readonly MatrixRow[])[] = isFull
    ? [...pointRows(), ...processes, ...answerRows(), ...serverRows(() => servers)].map((row) => [row])
    : [
        // Together in one run, since it has to be quick.
        [...pointRows().filter(({ name }) => SHORT_POINTS.includes(name)), ...processes],
        ...answerRows().map((row) => [row]),
      ];

  it.each(rows.map((together) => [together.map(({ name }) => name).join(", "), together] as const))(
    "lose and double nothing: %s",
    (_, together) => expectNothingLostOrDoubled(together),
    15 * MINUTES_MS,
  );

  if (isFull) {
    // No folder is spooled into, files are encoded in memory: the disk that can be full is a home's.
    it(
      "lose and double nothing: an embedded home's disk full for a while, as root",
      async () => {
        const embedded = await CrashMatrix.open();
        try {
          const { complaints, recoveryMs, ...comparison } = await embedded.fillDisk();
          results.push({ names: ["full disk (embedded home)"], recoveriesMs: [recoveryMs], ...comparison });
          expect(comparison).toMatchObject({ problems: [], lost: 0, doubled: 0 });
          expect(complaints).toMatch(/is full|has space/);
        } finally {
          embedded.close();
        }
      },
      10 * MINUTES_MS,
    );
  }
});
