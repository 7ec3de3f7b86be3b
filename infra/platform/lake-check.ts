import type { Catalog, QueryEngine } from "../../lakehouse/index.ts";
import { goldPopularProducts, MillraceError, tableName } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";

/** One of the lake's tables stands for all: they are made together. */
const ASKED = tableName(goldPopularProducts);
/** What an engine says of a table where it reads another lake, or none. */
const NOT_THE_LAKE = new Set(["table-not-found", "catalog-not-found"]);

/**
 * Rejects with `table-missing` where the catalog holds no lake: who only reads makes none. Single tables
 * may be missing; a newer version brings them.
 */
export async function assertLakeMade(
  catalog: Catalog,
  { catalogUri }: Pick<Config, "catalogUri">,
): Promise<void> {
  if ((await catalog.load(ASKED)) !== null) return;
  throw new MillraceError(
    `the catalog at ${catalogUri} has no table ${ASKED}: run millrace up, or check catalogUri and catalogWarehouse`,
    { code: "table-missing", origin: "user" },
  );
}

/**
 * Rejects where the query engine answers, but does not read the lake's tables, which must be there.
 * Other errors, such as that it does not answer, are passed on.
 */
export async function assertReadsLake(
  engine: QueryEngine,
  { trinoCatalog, catalogUri }: Pick<Config, "trinoCatalog" | "catalogUri">,
): Promise<void> {
  try {
    await engine.query(`SELECT 1 AS one FROM {${ASKED}} LIMIT 0`, []);
  } catch (error) {
    if (!(error instanceof MillraceError) || !NOT_THE_LAKE.has(error.code)) throw error;
    throw new MillraceError(
      `it answers, but its catalog ${JSON.stringify(trinoCatalog)} has no ${ASKED} (${error.message}): set trinoCatalog to its name of the catalog at ${catalogUri}`,
      { code: "query-engine-misconfigured", origin: "user", cause: error },
    );
  }
}
