import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../../ml/index.ts";
import { runCli } from "./testing/run-cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-report-"));
  const random = createRandom(1);
  const sessions = Array.from({ length: 400 }, () => {
    const first = Math.floor(random() * 40);
    return [0, 1, 2].map((step) => (first + step) % 40).join(" ");
  });
  await writeFile(join(folder, "sessions.txt"), `${sessions.join("\n")}\n`);
  const lines = Array.from({ length: 12 * 40 }, (_, i) => {
    const [series, step] = [Math.floor(i / 40), i % 40];
    return `s${series},${step},${(20 + 5 * (step % 4) + 3 * random()).toFixed(2)}`;
  });
  await writeFile(join(folder, "series.csv"), `unique_id,ds,y\n${lines.join("\n")}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function reportOf(...args: string[]): Promise<{ readonly files: string[]; readonly markdown: string }> {
  const { code, out, err } = await runCli([...args, "--json", "--report", "report"], { folder });
  expect(err).toContain(join(folder, "report", "report.html"));
  expect({ code, json: typeof JSON.parse(out) }).toEqual({ code: 0, json: "object" });
  const files = await readdir(join(folder, "report"));
  const markdown = await readFile(join(folder, "report", "report.md"), "utf8");
  expect(await readFile(join(folder, "report", "report.html"), "utf8")).toMatch(/^<!doctype html>/);
  await rm(join(folder, "report"), { recursive: true });
  return { files: files.sort(), markdown };
}

describe("millrace evaluate --report", () => {
  it("writes hit rates by position beside item-kNN and popularity", async () => {
    const { files, markdown } = await reportOf(
      "evaluate",
      "recommend",
      "--train",
      join(folder, "sessions.txt"),
      "--stages",
      "blend",
    );
    expect(files).toEqual(["hit-rate-all-targets.svg", "hit-rate-discovery.svg", "report.html", "report.md"]);
    expect(markdown).toMatch(/\| figure \| ours \| popularity \| itemKnn \|/);
    expect(markdown).toMatch(/\| all\.hitRate20 \| [\d.]+ \| [\d.]+ \| [\d.]+ \|/);
    expect(markdown).toContain("sessions.txt --newest 0.1 --stages blend --seed 1\n");
  });

  it("writes residuals of forecasts beside the naive methods'", async () => {
    const { files, markdown } = await reportOf(
      ...["evaluate", "forecast", "--series", join(folder, "series.csv"), "--horizon", "4", "--season", "4"],
    );
    expect(files).toContain("residuals-all-series-and-steps.svg");
    expect(markdown).toMatch(/\| wape \| [\d.]+ \| [\d.]+ \| [\d.]+ \|/);
  });
});
