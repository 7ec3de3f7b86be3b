import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import { createModelRegistry, createOnnxScorer, type ModelCard, sessionScorers } from "../../ml/index.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

let folder: string;
let versions: string[];
const propensity = sessionScorers[0];
const builtIn = propensity.defaultModel();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-models-"));
  await runCli(["topics", "apply", "--home", "home"], { folder });
  const store = new LocalObjectStore(join(folder, "home"));
  const registry = createModelRegistry(store);
  const publish = (day: number, logLoss: number, incumbent: ModelCard["incumbent"]) =>
    registry.publish(
      {
        plugin: "propensity",
        trainedAt: new Date(Date.UTC(2026, 0, day)).toISOString(),
        dataRange: { from: "2026-01-01T00:00:00Z", cut: "2026-01-03T00:00:00Z", to: "2026-01-04T00:00:00Z" },
        rows: { train: 10, validation: 5, unknownLabel: 1 },
        features: propensity.features.flatMap((group) => group.features),
        evaluation: {
          rows: 200,
          positives: 60,
          metrics: {
            logLoss: { model: logLoss, baseline: 0.6 },
            calibrationError: { model: 0.01, baseline: 0 },
          },
          reliability: [],
        },
        incumbent,
        scoreMicros: 0.1,
        seed: 1,
        codeRevision: "test",
      },
      builtIn.weights,
    );
  const first = await publish(1, 0.4, { version: builtIn.version, metric: 0.5, advantageMin: 0.05 });
  const second = await publish(2, 0.45, { version: first.version, metric: 0.4, advantageMin: -0.07 });
  versions = [first.version, second.version];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const models = (...args: string[]): Promise<CliRun> =>
  runCli(["models", ...args, "--home", "home"], { folder, environment: { USER: "ann" } });
const json = async (...args: string[]) => JSON.parse((await models(...args, "--json")).out);

describe("millrace models", () => {
  it("promotes what is better, refuses what is not, and rolls back; the audit says who and why", async () => {
    const [first, second] = versions;
    expect(await json("list", "propensity")).toMatchObject({
      aliases: { champion: null, challenger: null },
      builtIn: builtIn.version,
      models: [
        { version: first, alias: null, logLoss: 0.4, baseline: 0.6, scoreMicros: 0.1 },
        { version: second },
      ],
      changes: [],
    });
    // The built-in model is champion: nothing is said of a gate between these two.
    expect((await json("diff", "propensity", first, second)).gate).toBeNull();
    expect(await json("promote", "propensity", first)).toMatchObject({
      from: null,
      to: first,
      forced: false,
    });

    const refused = await models("promote", "propensity", second, "--json");
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out).error.code).toBe("promotion-refused");
    expect(refused.err).toContain("logLoss 0.4500");
    const forced = await json("promote", "propensity", second, "--force", "--reason", "a campaign");
    expect(forced).toMatchObject({ forced: true, reason: "a campaign", by: "ann", from: first });

    const { metrics, gate, sameRows } = await json("diff", "propensity", first);
    expect({ sameRows, passed: gate.passed }).toEqual({ sameRows: true, passed: false });
    expect(metrics[0]).toMatchObject({ metric: "logLoss", [first]: 0.4, [second]: 0.45 });
    expect(metrics[0].difference).toBeCloseTo(-0.05, 12);
    for (const twice of [[second], [second, second], [first, first]]) {
      const itself = await models("diff", "propensity", ...twice);
      expect(itself).toMatchObject({ code: 2, out: "" });
      expect(itself.err).toContain("would be compared with itself: name another version");
    }
    const backwards = await json("diff", "propensity", second, first);
    expect(backwards).toMatchObject({ version: second, other: first, gate: null });
    expect((await models("diff", "propensity", second, first)).out).not.toMatch(/passed|failed|train again/);

    expect(await json("rollback", "propensity", "--reason", "false alarms")).toMatchObject({
      to: first,
      by: "ann",
    });
    const { out } = await models("list", "propensity");
    expect(out).toMatch(new RegExp(`${first} +champion`));
    expect(out).toContain(`ann: champion ${second} → ${first} (rollback; false alarms)`);
    expect((await json("show", "propensity")).version).toBe(first);
  });

  it("exports the model that scores, and any version, as ONNX files that score alike", async () => {
    const features = propensity.features.flatMap((group) => group.features);
    const vectors = Float64Array.from({ length: 5 * features.length }, (_, i) => (i * 7) % 11);
    const ours = new Float64Array(5);
    propensity.load(builtIn.weights, "ours").score(vectors, 5, ours);
    for (const version of [[], [versions[1]]]) {
      const file = `${version.length}.onnx`;
      const exported = await json("export", "propensity", ...version, "--onnx", file);
      expect(exported).toMatchObject({ version: versions[version.length], file });
      const bytes = await readFile(join(folder, file));
      expect(bytes.length).toBe(exported.bytes);
      const theirs = new Float64Array(5);
      createOnnxScorer(bytes, "theirs", features).score(vectors, 5, theirs);
      for (let row = 0; row < 5; row++) expect(Math.abs(theirs[row] - ours[row])).toBeLessThan(1e-6);
    }
    const again = await models("export", "propensity", "--onnx", "0.onnx");
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain("0.onnx is there already");
    expect((await models("export", "recommend", "--onnx", "r.onnx")).err).toContain("no form in ONNX");
  });

  it("says what is missing", async () => {
    expect((await models("promote", "propensity")).err).toContain("no challenger");
    expect((await models("show", "propensity", "20200101T000000Z-0")).err).toContain("no card");
    expect((await models("list", "nothing")).code).toBe(2);
    await writeFile(join(folder, "home/models/propensity", versions[1], "weights"), "{");
    const corrupt = await models("promote", "propensity", versions[1], "--force");
    expect(corrupt).toMatchObject({ code: 1 });
    expect(corrupt.err).toContain("not those that its card describes");
  });

  it("lists the others where a card is damaged, and names that one", async () => {
    const [first, second] = versions;
    await writeFile(join(folder, "home/models/propensity", second, "card.json"), "{");
    const listed = await json("list", "propensity");
    expect(listed.models.map(({ version }: ModelCard) => version)).toEqual([first]);
    expect(listed.damaged).toEqual([
      {
        version: second,
        problem: expect.stringContaining(`card of model ${second} of propensity is not JSON`),
      },
    ]);
    const { out, code } = await models("list", "propensity");
    expect(code).toBe(0);
    expect(out).toContain(`${second} cannot be used: card of model ${second}`);
  });
});
