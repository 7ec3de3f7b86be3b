import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlValue } from "../../../lakehouse/index.ts";
import type { TableSpec } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import { ensurePythonWith } from "../../tools/test-tools.ts";
import { newestRows } from "./final-rows.ts";
import type { LakeReader } from "./lake-reader.ts";
import { freshFolder, removeFolder } from "./scenario-home.ts";

const run = promisify(execFile);
const PACKAGES = ["dbt-core==1.11.16", "dbt-trino==1.10.6"];
const PROJECT = fileURLToPath(new URL("../../../lakehouse/dbt/", import.meta.url));
const DAY_MS = 86_400_000;
const BUILD_MS_MAX = 280_000;
/** The first time it is installed. */
const INSTALL_AND_BUILD_MS_MAX = 1_200_000;

/** A model, and what it should hold, out of the tables by DuckDB; its columns in this order. */
const MODELS = [
  {
    model: "daily_revenue",
    columns: [
      "day",
      "category_id",
      "currency",
      "revenue_minor",
      "refunded_minor",
      "net_minor",
      "units",
      "purchases",
    ],
    expected: `SELECT window_start // ${DAY_MS}, category_id, currency, sum(revenue_minor), sum(refunded_minor),
        sum(net_minor), sum(units), sum(purchases)
      FROM (${newest("gold", "revenue_by_category")}) GROUP BY ALL`,
  },
  {
    model: "funnel_by_day",
    columns: ["day", "basis", "views", "carts", "checkouts", "purchases"],
    expected: `SELECT window_start // ${DAY_MS}, basis, sum(views), sum(carts), sum(checkouts), sum(purchases)
      FROM (${newest("gold", "funnel")}) GROUP BY ALL`,
  },
  {
    model: "customer_lifetime_value",
    columns: ["user_id", "currency", "orders", "standing_orders", "value_minor"],
    expected: `SELECT user_id, currency, count(*), count(*) FILTER (stands), coalesce(sum(total_minor) FILTER (stands), 0)
      FROM (SELECT *, status IN ('placed', 'paid', 'shipped', 'delivered') AND NOT payment_missing AND
          (payment_status IS NULL OR payment_status IN ('authorized', 'captured')) AS stands
        FROM (${newest("silver", "orders")})) GROUP BY ALL`,
  },
] as const;

/** The dbt project against a lake that Trino reads. */
export function describeDbt(lake: () => { readonly config: Config; readonly reader: LakeReader }): void {
  describe("the dbt project", () => {
    const folder = freshFolder("dbt");
    let namespace: string;
    let said: string;
    beforeAll(async () => {
      const { config } = lake();
      namespace = `dbt_${config.kafkaGroup.replaceAll(/\W/g, "_")}`;
      said = await build(config, namespace, folder);
    }, INSTALL_AND_BUILD_MS_MAX);
    afterAll(() => removeFolder(folder));

    it("builds its models, and passes its tests", () => {
      expect(said).toMatch(/Done\. PASS=\d+ WARN=0 ERROR=0 SKIP=0/);
    });

    it.each(MODELS)("has in $model what the tables say", async ({ model, columns, expected }) => {
      const { config, reader } = lake();
      const wanted = await reader.rows(expected);
      const found = await rowsOf(config, `"${config.trinoCatalog}"."${namespace}"."${model}"`);
      expect(found.map((row) => columns.map((column) => plain(row[column])).join("|")).sort()).toEqual(
        wanted.map((row) => Object.values(row).join("|")).sort(),
      );
      expect(wanted.length).toBeGreaterThan(0);
    });
  });
}

function newest(namespace: string, name: string): string {
  const table = lakeTables.find((one) => one.namespace === namespace && one.name === name) as TableSpec;
  return newestRows("lake", table);
}

/** What `dbt build` says; rejects with it where a model or test fails. */
async function build(config: Config, namespace: string, folder: string): Promise<string> {
  const dbt = join(dirname(await ensurePythonWith(PACKAGES)), "dbt");
  const places = ["--project-dir", PROJECT, "--profiles-dir", PROJECT];
  const written = ["--target-path", join(folder, "target"), "--log-path", join(folder, "logs")];
  const { stdout } = await run(dbt, ["--no-use-colors", "build", ...places, ...written], {
    cwd: folder,
    timeout: BUILD_MS_MAX,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      DBT_SEND_ANONYMOUS_USAGE_STATS: "false",
      DBT_SCHEMA: namespace,
      MILLRACE_TRINO_URL: config.trinoUrl,
      MILLRACE_TRINO_USER: config.trinoUser,
      MILLRACE_TRINO_CATALOG: config.trinoCatalog,
    },
  }).catch((error: { stdout?: string }) => {
    throw new Error(`dbt build failed:\n${error.stdout ?? ""}`, { cause: error });
  });
  return stdout;
}

async function rowsOf(config: Config, relation: string) {
  const adapters = await openAdapters(config, Date.now);
  const engine = adapters.openQueryEngine();
  try {
    return (await engine.query(`SELECT * FROM ${relation}`, [])).rows;
  } finally {
    await engine.close();
    await adapters.close();
  }
}

/** As DuckDB's rows have it. */
function plain(value: SqlValue): string {
  return value instanceof Date ? String(value.getTime() / DAY_MS) : String(value);
}
