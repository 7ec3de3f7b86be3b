import { readFile } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import type { CustomerEvent } from "../../../schema/index.ts";
import type { OutputRow } from "./drive.ts";

const FOLDER = new URL("../../../infra/scenarios/oracle/", import.meta.url);

/** Expected rows of `oracle/NAME.sql` over the raw events, timestamps as ms. */
export class Oracle {
  private readonly connection;

  private constructor(connection: Awaited<ReturnType<DuckDBInstance["connect"]>>) {
    this.connection = connection;
  }

  /** @param partitions the valid events of each partition, in log order */
  static async open(
    partitions: readonly (readonly CustomerEvent[])[],
    settings: Readonly<Record<string, number>> = {},
  ): Promise<Oracle> {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const oracle = new Oracle(connection);
    await oracle.run("settings");
    for (const [name, value] of Object.entries(settings)) {
      await connection.run(`UPDATE settings SET ${name} = ${value}`);
    }
    await connection.run(
      `CREATE TABLE log (topic VARCHAR, partition INTEGER, log_offset BIGINT, event_id VARCHAR, event_type VARCHAR,
        event_time_ms BIGINT, user_id VARCHAR, product_id VARCHAR, category_id VARCHAR, price_minor BIGINT,
        currency VARCHAR, quantity INTEGER)`,
    );
    for (const [partition, events] of partitions.entries()) {
      for (let from = 0; from < events.length; from += 2000) {
        const values = events
          .slice(from, from + 2000)
          .map((event, i) => logTuple(event, partition, from + i));
        await connection.run(`INSERT INTO log VALUES ${values.join(",")}`);
      }
    }
    await oracle.run("admitted");
    return oracle;
  }

  async rows(name: string): Promise<OutputRow[]> {
    return this.query(await readFile(new URL(`${name}.sql`, FOLDER), "utf8"));
  }

  async query(sql: string): Promise<OutputRow[]> {
    const result = await this.connection.runAndReadAll(sql);
    return result
      .getRowObjects()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([key, value]) => [key, typeof value === "bigint" ? Number(value) : value]),
        ),
      ) as OutputRow[];
  }

  close(): void {
    this.connection.closeSync();
  }

  private async run(name: string): Promise<void> {
    await this.connection.run(await readFile(new URL(`${name}.sql`, FOLDER), "utf8"));
  }
}

function logTuple(event: CustomerEvent, partition: number, offset: number): string {
  const text = (value: string | null | undefined): string =>
    value == null ? "NULL" : `'${value.replaceAll("'", "''")}'`;
  return `('customer-events', ${partition}, ${offset}, ${text(event.eventId)}, ${text(event.eventType)}, ${event.eventTime},
    ${text(event.userId)}, ${text(event.productId)}, ${text(event.categoryId)}, ${event.priceMinor ?? "NULL"},
    ${text(event.currency)}, ${event.quantity ?? "NULL"})`;
}
