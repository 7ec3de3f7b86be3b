import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { partitionOf } from "../../../stream/index.ts";
import type { LakeReader } from "./lake-reader.ts";

/**
 * Raw input as DuckDB reads it: its own CSV, gzip and JSON readers, and rules written in SQL. Of our
 * code it uses the partitioner alone (held to Kafka's by its own test).
 *
 * Every function leaves the table `received` (one row a record of the log: `_partition`, `_offset`,
 * `reason` or null, and the columns of `bronze.customer_events`), and from it the table `log` that
 * the oracles read.
 */
const EVENT_TYPES = [
  "page_view",
  "item_view",
  "click",
  "search",
  "cart_add",
  "cart_remove",
  "checkout",
  "purchase",
];

/** The REES46 file: every row is an event; its id is made from the file and the line, the header is line 1. */
export async function readRees46(
  reader: LakeReader,
  file: string,
  partitions: number,
  scratch: string,
): Promise<void> {
  const fingerprint = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12);
  await reader.run(`
    CREATE TABLE csv AS FROM read_csv('${file}', header = true, all_varchar = true, parallel = false);
    CREATE TABLE raw AS SELECT rowid AS line, user_id AS partition_key, CAST(NULL AS VARCHAR) AS reason,
      'rees46-${fingerprint}-' || (rowid + 2) AS event_id,
      CASE event_type WHEN 'view' THEN 'item_view' WHEN 'cart' THEN 'cart_add' ELSE event_type END AS event_type,
      epoch_ms(strptime(event_time, '%Y-%m-%d %H:%M:%S UTC')) AS event_time,
      user_id, nullif(user_session, '') AS session_id, product_id, category_id, nullif(category_code, '') AS category_code,
      nullif(brand, '') AS brand, (round(CAST(price AS DECIMAL(18, 4)), 2) * 100)::BIGINT AS price_minor,
      'USD' AS currency, CAST(NULL AS INTEGER) AS quantity, CAST(NULL AS VARCHAR) AS order_id,
      CAST(NULL AS VARCHAR) AS query, CAST(NULL AS VARCHAR) AS page_url, CAST(NULL AS VARCHAR) AS referrer,
      CAST(NULL AS VARCHAR) AS device, CAST(NULL AS VARCHAR) AS country
    FROM csv`);
  await assignOffsets(reader, partitions, scratch);
}

/** Our NDJSON, one customer event a line, some of them broken. */
export async function readNdjson(
  reader: LakeReader,
  file: string,
  partitions: number,
  scratch: string,
): Promise<void> {
  const types = EVENT_TYPES.map((type) => `'${type}'`).join(", ");
  const text = (name: string) => `(event->>'${name}')`;
  const whole = (name: string, type: string) => `TRY_CAST((event->>'${name}') AS ${type})`;
  await reader.run(`
    CREATE TABLE texts AS
      SELECT unnest(string_split(rtrim(content, chr(10)), chr(10))) AS text FROM read_text('${file}');
    CREATE TABLE raw AS
    WITH parsed AS (
      SELECT rowid AS line, CASE WHEN json_valid(text) THEN text::JSON END AS event,
        -- Where a line is broken, the loader still takes the user it can see: the line stays with its neighbours.
        regexp_extract(text, '"userId":"([^"]*)"', 1) AS partition_key
      FROM texts
    )
    SELECT line, partition_key,
      CASE WHEN event IS NULL THEN 'invalid-json'
        WHEN json_type(event, '$.eventTime') = 'VARCHAR' THEN 'wrong-type'
        WHEN ${text("eventType")} NOT IN (${types}) THEN 'unknown-symbol'
        WHEN ${whole("eventTime", "BIGINT")} < 0 THEN 'out-of-range'
        WHEN ${text("userId")} IS NULL OR ${text("eventId")} IS NULL THEN 'missing-field'
      END AS reason,
      ${text("eventId")} AS event_id, ${text("eventType")} AS event_type,
      ${whole("eventTime", "BIGINT")} AS event_time, ${text("userId")} AS user_id,
      ${text("sessionId")} AS session_id, ${text("productId")} AS product_id,
      ${text("categoryId")} AS category_id, ${text("categoryCode")} AS category_code, ${text("brand")} AS brand,
      ${whole("priceMinor", "BIGINT")} AS price_minor, ${text("currency")} AS currency,
      ${whole("quantity", "INTEGER")} AS quantity, ${text("orderId")} AS order_id, ${text("query")} AS query,
      ${text("pageUrl")} AS page_url, ${text("referrer")} AS referrer, ${text("device")} AS device,
      ${text("country")} AS country
    FROM parsed`);
  await assignOffsets(reader, partitions, scratch);
}

/** Offsets of a partition are the lines of its keys, in the file's order. */
async function assignOffsets(reader: LakeReader, partitions: number, scratch: string): Promise<void> {
  const keys = await reader.rows("SELECT DISTINCT partition_key FROM raw");
  const lines = keys.map(({ partition_key: key }) =>
    JSON.stringify({ key, assigned: partitionOf(Buffer.from(String(key)), partitions) }),
  );
  const file = join(scratch, "partitions.ndjson");
  writeFileSync(file, lines.join("\n"));
  await reader.run(`
    CREATE TABLE received AS
    SELECT assigned AS _partition, row_number() OVER (PARTITION BY assigned ORDER BY line) - 1 AS _offset,
      raw.* EXCLUDE (line, partition_key)
    FROM raw JOIN read_json('${file}', columns = {key: 'VARCHAR', assigned: 'INTEGER'}) ON key = partition_key;
    CREATE TABLE log AS
    SELECT 'customer-events' AS topic, _partition AS partition, _offset AS log_offset, event_id, event_type,
      event_time AS event_time_ms, user_id, product_id, category_id, price_minor, currency, quantity
    FROM received WHERE reason IS NULL`);
}
