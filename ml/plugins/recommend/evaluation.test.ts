import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluationResult } from "../../evaluation.ts";
import { openInputFile } from "../../training/input-file.ts";
import { evaluation } from "./evaluation.ts";
import type { RankingTables } from "./ranking-protocol.ts";
import { walkingSessions } from "./sessions.fixture.ts";

const DATA = process.env.MILLRACE_DATA ?? "../shared/data";

interface Report extends RankingTables, EvaluationResult {
  readonly baselines: { readonly popularity: RankingTables; readonly itemKnn: RankingTables };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-recommend-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

async function evaluate(train: string, test?: string, newest = 0.1): Promise<Report> {
  const values = {
    train: openInputFile(train),
    test: test === undefined ? null : openInputFile(test),
    newest,
    stages: "ranked",
  };
  return (await evaluation.run(values, { seed: 1, onProgress: () => {}, clock: () => 0 })) as Report;
}

const text = (sessions: number[][]): string => `${sessions.map((session) => session.join(" ")).join("\n")}\n`;

describe("millrace evaluate recommend", () => {
  it("beats plain item-kNN on the newest sessions of Yoochoose", async () => {
    const lines = await openInputFile(`${DATA}/sessions/yoochoose64-train-sessions.txt.gz`).lines();
    const report = await evaluate(await file("yoochoose", lines.slice(-12_000).join("\n")));
    expect(report).toMatchObject({
      sessions: 10_800,
      method: "newest-sessions",
      newest: 0.1,
      stages: "ranked",
    });
    for (const table of ["all", "discovery"] as const) {
      const knn = report.baselines.itemKnn[table];
      expect(report[table].cases).toBe(knn.cases);
      expect(report[table].hitRate20).toBeGreaterThan(knn.hitRate20 + 0.02);
      expect(report[table].mrr20).toBeGreaterThan(knn.mrr20 + 0.01);
      expect(knn.hitRate20).toBeGreaterThan(report.baselines.popularity[table].hitRate20);
    }
    expect(report.all.hitRate20).toBeGreaterThan(0.59);
    expect(report.all.mrr20).toBeGreaterThan(0.26);
    expect(report.discovery.hitRate20).toBeGreaterThan(0.53);
    expect(report.discovery.mrr20).toBeGreaterThan(0.235);
    expect(report.discovery.cases).toBeLessThan(0.85 * report.all.cases);
  });

  it("tests on as many of the newest sessions as asked for, and trains on the others", async () => {
    const train = await file("shares", text(walkingSessions(400, { items: 20, seed: 3 })));
    const [tenth, quarter] = [await evaluate(train), await evaluate(train, undefined, 0.25)];
    expect([tenth.sessions, quarter.sessions]).toEqual([360, 300]);
    expect(quarter).toMatchObject({ newest: 0.25 });
    expect(quarter.all.cases).toBeGreaterThan(2 * tenth.all.cases);
  });

  it("tests on the second file, unknown items and empty prefixes included", async () => {
    const train = await file("train", text(walkingSessions(1200, { items: 50, seed: 1 })));
    const test = await file("test", "7\t17\n7 17\t27\n\t7\n123456\t7\n7\t123456\n");
    const report = await evaluate(train, test);
    expect(report).toMatchObject({ cases: 5, unknownTargets: 1, method: "train-test", sessions: 1200 });
    expect(report.all.hitRate20).toBeGreaterThanOrEqual(0.4);
    expect(report.all.hitRate20).toBeLessThanOrEqual(0.8);
    expect(await evaluate(train, test)).toEqual(report);
  });

  it.each([
    ["a word", "1 2\n1 x 3\n", undefined, /train.* line 2: found "x"/],
    ["no sessions", "\n\n", undefined, /it has no sessions/],
    ["no pair to test", "1 2\n1 2\n5\n", undefined, /the newest 0.1 of it has no session of two items/],
    ["a test line without a target", "1 2\n", "1 2\t3\n1 2\n", /test.* line 2: 1 cells/],
    ["an empty test file", "1 2\n", "", /it has no cases/],
  ])("refuses files with %s", async (_, train, test, message) => {
    const paths = [
      await file("bad-train", train),
      test === undefined ? undefined : await file("bad-test", test),
    ] as const;
    await expect(evaluate(...paths)).rejects.toMatchObject({
      code: "file-unusable",
      origin: "user",
      message: expect.stringMatching(message),
    });
  });
});
