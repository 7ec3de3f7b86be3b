import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { promtoolPath } from "../tools/promtool.ts";
import { type DashboardSpec, type PanelSpec, renderDashboard } from "./dashboard.ts";
import { dashboards } from "./dashboards.ts";

const IMAGES = join(import.meta.dirname, "../images");
const RULES = join(IMAGES, "prometheus/rules/millrace.yml");
const RULE_TESTS = join(import.meta.dirname, "rules.test.yml");
const rules = readFileSync(RULES, "utf8");
const ruleTests = readFileSync(RULE_TESTS, "utf8");

let promtool: string;
let folder: string;
beforeAll(async () => {
  promtool = await promtoolPath();
  folder = mkdtempSync(join(tmpdir(), "millrace-rules-"));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What promtool says against it, or null where all is well. */
async function complaint(...args: string[]): Promise<string | null> {
  try {
    await promisify(execFile)(promtool, args, { maxBuffer: 16 << 20 });
    return null;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `${stdout}\n${stderr}`;
  }
}

/** Each alert's name and what is written of it. */
const alerts = rules
  .split(/^ +- alert: /m)
  .slice(1)
  .map((text) => ({ name: text.slice(0, text.indexOf("\n")), text }));
const alertNames = alerts.map(({ name }) => name);

describe("the alert rules", () => {
  test("are valid, and so is the configuration that loads them", async () => {
    expect(await complaint("check", "rules", RULES)).toBeNull();
    expect(await complaint("check", "config", join(IMAGES, "prometheus/prometheus.yml"))).toBeNull();
  });

  test("fire where they have to, and are silent where they have to be (promtool test rules)", async () => {
    expect(await complaint("test", "rules", RULE_TESTS)).toBeNull();
  });

  test("have names of their own, a severity, and annotations that lead to the runbook", () => {
    expect(new Set(alertNames).size).toBe(alertNames.length);
    for (const { name, text } of alerts) {
      expect(text, name).toMatch(/^ {8}labels: \{ severity: (critical|warning) \}$/m);
      expect(text, name).toMatch(/^ {10}summary: \S/m);
      expect(text, name).toMatch(/^ {10}description: \S/m);
      const anchor = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
      expect(text, name).toContain(`runbook: infra/operations/runbook.md#${anchor}\n`);
    }
  });

  test("each have a test in which they fire, and one in which they do not", () => {
    expect(alertNames.length).toBeGreaterThan(0);
    const fires = [
      ...ruleTests.matchAll(/ALERTS\{alertname="(\w+)", alertstate="firing".*\n.*\n +exp_samples:\n/g),
      ...ruleTests.matchAll(/- alertname: (\w+)\n.*\n +exp_alerts:\n/g),
    ].map(([, name]) => name);
    const silent = [...ruleTests.matchAll(/\{ alertname: (\w+), eval_time: \w+, exp_alerts: \[\] \}/g)].map(
      ([, name]) => name,
    );
    expect([...new Set(fires)].sort()).toEqual(alertNames.toSorted());
    expect([...new Set(silent)].sort()).toEqual(alertNames.toSorted());
  });

  test("name jobs that Prometheus scrapes", () => {
    const configured = readFileSync(join(IMAGES, "prometheus/prometheus.yml"), "utf8");
    const scraped = [...configured.matchAll(/job_name: (\S+)/g)].map(([, job]) => job);
    const named = [...rules.matchAll(/job=~?"([^"]+)"/g)].flatMap(([, jobs]) => jobs.split("|"));
    expect(scraped).toEqual(expect.arrayContaining([...new Set(named)]));
  });

  test.each([
    [
      "a threshold that is never reached",
      "millrace:lag_records:sum > 10000",
      "millrace:lag_records:sum > 1e12",
    ],
    [
      "an alert that does not wait",
      "expr: millrace_ready == 0\n        for: 2m",
      "expr: millrace_ready == 0",
    ],
    [
      "a text that tells something else",
      "{{ $value | humanizePercentage }} of its memory",
      "most of its memory",
    ],
  ])("%s makes their tests fail", async (_, right, wrong) => {
    expect(rules).toContain(right);
    const planted = mkdtempSync(join(folder, "planted-"));
    cpSync(RULE_TESTS, join(planted, "monitoring/rules.test.yml"));
    cpSync(RULES, join(planted, "images/prometheus/rules/millrace.yml"));
    writeFileSync(join(planted, "images/prometheus/rules/millrace.yml"), rules.replace(right, wrong));
    expect(await complaint("test", "rules", join(planted, "monitoring/rules.test.yml"))).toContain("FAILED");
  });
});

describe("the dashboards", () => {
  const files = join(IMAGES, "grafana/dashboards");
  const panelsOf = ({ rows }: DashboardSpec): PanelSpec[] => rows.flatMap(({ panels }) => [...panels]);

  test("are what their description says (node infra/monitoring/write-dashboards.ts)", () => {
    expect(readdirSync(files).sort()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).sort());
    for (const spec of dashboards)
      expect(readFileSync(join(files, `${spec.uid}.json`), "utf8"), spec.uid).toBe(renderDashboard(spec));
  });

  test.each(dashboards.map((spec) => [spec.uid, spec] as const))(
    "%s: every panel has a place, a title, a unit and the data source of Grafana",
    (_, spec) => {
      const { panels } = JSON.parse(renderDashboard(spec));
      const source = readFileSync(join(IMAGES, "grafana/datasources.yml"), "utf8");
      const cells = new Set<string>();
      for (const { id, type, title, description, datasource, fieldConfig, gridPos, targets } of panels) {
        const { x, y, w, h } = gridPos;
        expect(x + w, title).toBeLessThanOrEqual(24);
        for (let column = x; column < x + w; column++) {
          for (let line = y; line < y + h; line++) {
            expect(cells.has(`${column}/${line}`), `${title} lies over another panel`).toBe(false);
            cells.add(`${column}/${line}`);
          }
        }
        expect(id).toBeGreaterThan(0);
        expect(title).toMatch(/\S/);
        if (type === "row") continue;
        expect(description, title).toMatch(/\.$/);
        expect(fieldConfig.defaults.unit, title).toMatch(/\S/);
        expect(source).toContain(`uid: ${datasource.uid}\n`);
        expect(new Set(targets.map(({ refId }: { refId: string }) => refId)).size).toBe(targets.length);
      }
      const ids = panels.map(({ id }: { id: number }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const titles = panelsOf(spec).map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
    },
  );

  /** Whether Prometheus can parse them, and has what they call recorded: as a file of rules. */
  const checked = (expressions: readonly string[]): Promise<string | null> => {
    const file = join(folder, "expressions.yml");
    const lines = expressions.map(
      (expr, i) => `    - { record: "panel:${i}", expr: ${JSON.stringify(expr)} }`,
    );
    writeFileSync(file, `groups:\n- name: panels\n  rules:\n${lines.join("\n")}\n`);
    return complaint("check", "rules", file);
  };
  const expressions = dashboards.flatMap((spec) =>
    panelsOf(spec).flatMap(({ queries }) => queries.map(({ expr }) => expr)),
  );

  test("ask what Prometheus can parse", async () => {
    expect(expressions.length).toBeGreaterThan(20);
    expect(await checked(expressions)).toBeNull();
    expect(await checked([...expressions, "sum(rate(millrace_records_total[5m])"])).toContain(
      "could not parse",
    );
  });

  test("name recorded series that the rules record", () => {
    const recorded = [...rules.matchAll(/- record: (\S+)/g)].map(([, name]) => name);
    const named = `${expressions.join("\n")}\n${rules}`.match(/\bmillrace:[\w:]+/g) ?? [];
    expect(new Set(named)).toEqual(new Set(recorded));
  });
});
