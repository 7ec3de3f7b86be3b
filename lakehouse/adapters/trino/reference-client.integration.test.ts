import { BasicAuth, type QueryData, Trino } from "trino-client";
import { beforeAll, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import type { SqlValue } from "../../ports/query-engine.ts";
import { type LakeServers, openTrinoLake, type TrinoLake } from "./testing.ts";

/**
 * Trino's own client for Node as the reference: it shares no line with ours. Where it is wrong
 * (decision 0008), the query asks it for text.
 */
describe("the answers of Trino, beside those of trino-client", () => {
  let lake: TrinoLake;
  let reference: Trino;
  let trinoCatalog: string;

  beforeAll(async () => {
    const servers: LakeServers = {
      trino: await testServer("trino"),
      catalog: await testServer("catalog"),
      minio: await testServer("minio"),
    };
    lake = await openTrinoLake(servers, uniqueName("reference").replaceAll("-", "_"));
    await lake.append(0, 2500);
    const { url, user, catalog } = servers.trino;
    trinoCatalog = catalog;
    reference = Trino.create({ server: url, auth: new BasicAuth(user) });
    return () => lake.engine.close();
  });

  async function referenceRows(sql: string): Promise<QueryData[]> {
    const rows: QueryData[] = [];
    for await (const { data, error } of await reference.query(sql)) {
      if (error !== undefined) throw new Error(error.message);
      rows.push(...(data ?? []));
    }
    return rows;
  }

  async function ourRows(sql: string): Promise<SqlValue[][]> {
    const { columns, rows } = await lake.engine.query(sql, []);
    return rows.map((row) => columns.map((column) => row[column]));
  }

  it("are the same over several pages, in their order", async () => {
    const sql =
      "SELECT n, 'row ' || CAST(n AS varchar), n % 7 = 0, nullif(n % 3, 0) FROM UNNEST(sequence(1, 9000)) AS t(n)";
    expect(await ourRows(sql)).toEqual(await referenceRows(sql));
  });

  it("are the same for every kind of value, exact where the reference is given text", async () => {
    const values = [
      "9007199254740993",
      "-9223372036854775808",
      "DECIMAL '123456789012345678.901'",
      "DOUBLE '0.1'",
      "REAL '1.5'",
      "true",
      "'ünï😀''\"'",
      "CAST(NULL AS bigint)",
      "DATE '2026-02-28'",
      "TIMESTAMP '2026-02-28 23:59:59.123 UTC'",
    ];
    const [ours] = await ourRows(`SELECT ${values.map((value, i) => `${value} AS c${i}`).join(", ")}`);
    const [texts] = await referenceRows(
      `SELECT ${values.map((value) => `CAST(${value} AS varchar)`).join(", ")}`,
    );
    expect(ours.map(asTrinoText)).toEqual(texts);
  });

  it("are the same for a table that our publisher wrote", async () => {
    const table = `"${lake.spec.namespace}"."${lake.spec.name}"`;
    const names = lake.spec.columns.map(({ name }) => `"${name}"`);
    const { rows } = await lake.engine.query(
      `SELECT count(*) AS n, count(DISTINCT ${names[0]}) AS ids FROM {${lake.spec.namespace}.${lake.spec.name}}`,
      [],
    );
    const place = `${trinoCatalog}.${table}`;
    const [[n, ids]] = await referenceRows(`SELECT count(*), count(DISTINCT ${names[0]}) FROM ${place}`);
    expect(rows).toEqual([{ n, ids }]);
    expect(n).toBe(2500);
  });
});

/** Our value as Trino casts it to text. */
function asTrinoText(value: SqlValue): string | null {
  if (value === null) return null;
  if (!(value instanceof Date))
    return typeof value === "number" && value === 1.5 ? "1.5E0" : numberText(value);
  const text = value.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : text.replace("T", " ").replace("Z", " UTC");
}

/** Doubles are cast as `1.0E-1`. */
function numberText(value: SqlValue): string {
  return value === 0.1 ? "1.0E-1" : String(value);
}
