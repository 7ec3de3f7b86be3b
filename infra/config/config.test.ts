import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "./load-config.ts";
import { renderReference } from "./reference.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("loadConfig", () => {
  test("takes flags over environment over file over defaults", () => {
    writeFileSync(
      join(folder, "millrace.config.json"),
      JSON.stringify({ port: 1, workers: 2, partitions: 3 }),
    );
    const environment = { MILLRACE_PORT: "4", MILLRACE_WORKERS: "5" };
    const { config, origins } = loadConfig({ folder, environment, flags: { port: "6" } });
    expect([config.port, config.workers, config.partitions, config.tickMs]).toEqual([6, 5, 3, 1000]);
    expect([origins.port, origins.workers, origins.partitions, origins.tickMs]).toEqual([
      "flag",
      "environment",
      "file",
      "default",
    ]);
  });

  test("names every problem at once, with the name that was used", () => {
    writeFileSync(join(folder, "millrace.config.json"), JSON.stringify({ port: "many", prot: 1 }));
    const environment = { MILLRACE_WORKERS: "0", MILLRACE_MODE: "cluster" };
    expect(() => loadConfig({ folder, environment, flags: { tickMs: "1.5" } })).toThrow(
      /no setting "prot"[\s\S]*MILLRACE_MODE must be one of embedded[\s\S]*MILLRACE_WORKERS must be a whole number from 1 to 64[\s\S]*--tick-ms must be a whole number/,
    );
  });

  test("refuses settings that contradict each other", () => {
    writeFileSync(join(folder, "millrace.config.json"), "{}");
    const environment = { MILLRACE_PAGE_VIEWS_WINDOW_MS: "50000" };
    expect(() => loadConfig({ folder, environment })).toThrow(/multiple of pageViewsAdvanceMs/);
  });
});

test("the reference page is up to date (node infra/config/write-reference.ts)", () => {
  expect(readFileSync(new URL("./reference.md", import.meta.url), "utf8")).toBe(renderReference());
});
