import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  buildDataset,
  createModelRegistry,
  createRandom,
  loadChampion,
  type MlPlugin,
  mlPlugins,
  promoteModel,
  readBronze,
  rollBackModel,
} from "../../../ml/index.ts";
import { FIXTURE_START, shopperRecords, TrainingLake } from "../../../ml/training/training-lake.fixture.ts";
import { customerEventContract } from "../../../schema/index.ts";
import { importViolations } from "../../checks/imports.ts";
import type { CliIo } from "../../cli/cli-io.ts";
import { registerEvaluate } from "../../cli/commands/evaluate.ts";
import { cartIntent } from "./index.ts";
import { trainCartIntent } from "./train.ts";

/** The one line: what the list of plugins is with the example in it. */
const plugins: readonly MlPlugin[] = [...mlPlugins, cartIntent];

let lake: TrainingLake;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-example-"));
  lake = await TrainingLake.create();
  for (const partition of [0, 1]) await lake.ingest(partition, shopperRecords(6_000, partition + 1), 997);
});
afterAll(async () => {
  await lake.remove();
  await rm(folder, { recursive: true, force: true });
});

const bronze = (batchRows?: number) =>
  readBronze({
    engine: lake.engine,
    contract: customerEventContract,
    fields: cartIntent.fields,
    ...(batchRows !== undefined && { batchRows }),
  });

describe("the example's README", () => {
  it("names the files that are to be copied: with their imports shortened they may lie among the plugins", () => {
    const copied = readdirSync(import.meta.dirname).filter(
      (name) => name.endsWith(".ts") && name !== "train.ts" && !name.endsWith(".test.ts"),
    );
    expect(copied).toEqual(["index.ts", "model.ts", "vector-file.ts", "visit-features.ts"]);
    const packages = { dependencies: {}, devDependencies: {} };
    const problems = copied.flatMap((name) => {
      const text = readFileSync(join(import.meta.dirname, name), "utf8");
      const shortened = text.replaceAll('"../../../ml/', '"../../');
      return importViolations({ path: `ml/plugins/cart-intent/${name}`, text: shortened }, packages);
    });
    expect(problems).toEqual([]);
    const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
    expect(readme).toContain("Copy all of it but `train.ts` and the test");
    expect(readme).toContain("npm run build");
  });
});

describe("the example's plugin", () => {
  it("folds the same vectors however its events are cut into batches", async () => {
    const [one, other] = await Promise.all(
      [50_000, 613].map((rows) => buildDataset(cartIntent, bronze(rows), { seed: 1 })),
    );
    expect(one.dataset.rows).toBeGreaterThan(1_000);
    expect(one).toEqual(other);
  });

  it("is trained by its script: version, card, report, and an alias behind the gate", async () => {
    const registry = createModelRegistry(lake.store);
    const said: string[] = [];
    const model = await trainCartIntent({
      engine: lake.engine,
      registry,
      reportFolder: folder,
      trainedAt: FIXTURE_START,
      onProgress: (message) => said.push(message),
    });
    expect(await registry.versions("cart-intent")).toEqual([model.version]);
    expect(model.card.features).toEqual(cartIntent.features[0].features);
    expect(said.join("\n")).toContain("fitting 5 weights");
    const files = await readdir(folder);
    for (const name of ["report.html", "report.md", "roc-validation.svg", "model-card.json"])
      expect(files).toContain(name);
    expect(JSON.parse(await readFile(join(folder, "model-card.json"), "utf8"))).toEqual(model.card);
    expect(await readFile(join(folder, "report.md"), "utf8")).toMatch(
      /\| figure \| ours \| naive \| champion cart-intent-untrained \|/,
    );

    // Whatever the gate said of this little shop: by hand it goes in, scores, and goes back.
    const author = { by: "test", reason: "", at: FIXTURE_START };
    if (!model.promoted) await promoteModel(registry, cartIntent, model.version, { ...author, force: true });
    const { scorer, source } = await loadChampion(registry, cartIntent);
    expect({ source, version: scorer.modelVersion }).toEqual({ source: "champion", version: model.version });
    const { dataset } = await buildDataset(cartIntent, bronze(), { seed: 1 });
    const score = new Float64Array(1);
    scorer.score(dataset.vectors, 1, score);
    const parts = Object.values(scorer.explain(dataset.vectors.subarray(0, 5)));
    expect(parts.reduce((total, part) => total + part, 0)).toBeCloseTo(
      Math.log(score[0] / (1 - score[0])),
      9,
    );
    expect(await rollBackModel(registry, cartIntent, author)).toMatchObject({ to: null });
  });

  it("is not trained where there is no home: its script says so in a line", () => {
    const args = [join(import.meta.dirname, "train.ts"), join(folder, "no-home"), join(folder, "report")];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^train: there is no home at .*\n$/);
  });

  it("evaluates files by the command line, from the list that it is in", async () => {
    const random = createRandom(2);
    const rows = (count: number): string => {
      const lines = Array.from({ length: count }, () => {
        const [views, adds] = [random() * 3, random()];
        const label = random() < 1 / (1 + Math.exp(2 - 2 * views)) ? 1 : 0;
        return [views, 0, adds, random(), random(), label].join(",");
      });
      return ["views,searches,cart_adds,minutes,minutes_since_last,label", ...lines].join("\n");
    };
    await writeFile(join(folder, "train.csv"), rows(2_000));
    await writeFile(join(folder, "test.csv"), rows(1_000));
    await writeFile(join(folder, "bad.csv"), rows(5).replace(/,[01]$/, ",2"));
    let out = "";
    const io: Pick<CliIo, "out" | "err" | "clock"> = {
      out: (text) => {
        out += text;
      },
      err: () => undefined,
      clock: () => 0,
    };
    const evaluate = async (...args: string[]): Promise<void> => {
      const program = new Command();
      registerEvaluate(program, io as CliIo, plugins);
      await program.parseAsync(["evaluate", "cart-intent", ...args, "--json"], { from: "user" });
    };
    await evaluate("--train", join(folder, "train.csv"), "--test", join(folder, "test.csv"));
    const result = JSON.parse(out);
    expect(result).toMatchObject({ rows: 1_000, seed: 1, baseline: { auc: 0.5 } });
    expect(result.logLoss).toBeLessThan(result.baseline.logLoss);
    await expect(
      evaluate("--train", join(folder, "bad.csv"), "--test", join(folder, "test.csv")),
    ).rejects.toMatchObject({ code: "file-unusable" });
  });
});
