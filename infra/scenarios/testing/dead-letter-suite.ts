import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiServer, createApiServer } from "../../../api/index.ts";
import { RecordWriter } from "../../../stream/index.ts";
import { readToEnd } from "../../../stream/sources/read-to-end.ts";
import type { Config } from "../../config/index.ts";
import { apiPortsOf } from "../../platform/api-ports.ts";
import { Platform } from "../../platform/platform.ts";
import { environmentOf } from "../../platform/worker-processes.ts";
import { CollectedLog, freshFolder, removeFolder } from "./scenario-home.ts";

const CHILD = fileURLToPath(new URL("./resend-child.ts", import.meta.url));
const KEY = "0123456789abcdef";
const MINUTES_MS = 60_000;
const TIME = Date.UTC(2024, 4, 1);
/** Letters that two send at the same time. */
const RACED = 20;

const view = (eventId: string) => ({
  ...{ eventId, eventType: "item_view", eventTime: TIME, userId: "u1", productId: "p1", priceMinor: 1999 },
});
const order = (eventId: string) => ({
  ...{ eventId, orderId: `order-${eventId}`, orderTime: TIME, userId: "u1", status: "placed" },
  ...{ currency: "EUR", totalMinor: 1999, itemCount: 1 },
});
const LETTER = `id topic partition reason field payload { text bytes isCut } resend { resentTime resentBy note resentEventId isRepaired }`;
const RESULT = `id outcome resend { resentTime resentBy note resentEventId isRepaired } refusal { reason field message }`;

interface Letter {
  readonly id: string;
  readonly reason: string;
  readonly payload: { readonly text: string };
}

export interface DeadLetterHarness {
  readonly name: string;
  readonly freshConfig: (folder: string) => Promise<Config>;
}

/** Dead letters on a whole platform: refused, listed, repaired, sent again, and never twice. */
export function describeDeadLetters({ name, freshConfig }: DeadLetterHarness): void {
  describe(`dead letters, ${name}`, { timeout: 5 * MINUTES_MS }, () => {
    const log = new CollectedLog();
    let folder: string;
    let config: Config;
    let platform: Platform;
    let api: ApiServer;

    beforeAll(async () => {
      folder = freshFolder("dead-letters");
      config = await freshConfig(folder);
      platform = await Platform.open(config, log, { runsQueries: true });
      await platform.startWorkers();
      api = await startApi(platform);
    }, 10 * MINUTES_MS);
    afterAll(async () => {
      await api?.close();
      await platform?.close();
      removeFolder(folder);
    });

    const query = async (sql: string) => (await platform.queryEngine.query(sql, [])).rows;

    /** Appends records to the topic's first partition, and waits until they are in the lake. */
    async function append(topic: string, records: readonly string[]): Promise<void> {
      const writer = new RecordWriter(1 << 16);
      for (const record of records) {
        writer.begin(record.length * 3);
        writer.text(record);
        writer.end();
      }
      await platform.log.append([writer.take(topic, 0)]);
      await platform.waitUntilProcessed();
    }

    async function ask(text: string, variables: object = {}) {
      const response = await fetch(`${api.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ query: text, variables }),
      });
      const { data, errors } = (await response.json()) as { data: Record<string, never>; errors?: unknown };
      expect(errors).toBeUndefined();
      return data;
    }

    async function letters(filter: object = {}): Promise<Letter[]> {
      const { deadLetters } = (await ask(
        `query ($filter: DeadLetterFilter) { deadLetters(filter: $filter, first: 100) { edges { node { ${LETTER} } } } }`,
        { filter },
      )) as unknown as { deadLetters: { edges: { node: Letter }[] } };
      return deadLetters.edges.map(({ node }) => node);
    }

    async function resend(sent: readonly object[]): Promise<Record<string, unknown>[]> {
      const text = `mutation ($letters: [ResendInput!]!) { resendDeadLetters(letters: $letters, note: "a scenario") { ${RESULT} } }`;
      return (await ask(text, { letters: sent })).resendDeadLetters;
    }

    /** Sends the letters of the lines in a process of its own, which may kill itself. */
    async function sendElsewhere(lines: readonly object[], crashAt = "") {
      const child = spawn(process.execPath, [CHILD], {
        env: { PATH: process.env.PATH, ...environmentOf(config), MILLRACE_CRASH_AT: crashAt },
        cwd: folder,
      });
      let out = "";
      let err = "";
      child.stdout.setEncoding("utf8").on("data", (text) => {
        out += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text) => {
        err += text;
      });
      child.stdin.end(lines.map((line) => JSON.stringify(line)).join("\n"));
      const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (...end) => resolve(end));
      });
      return { code, signal, err, report: out === "" ? null : JSON.parse(out) };
    }

    /** Records of the topics, by partition: not offsets, since Kafka adds the mark of a transaction when it likes. */
    const recordCounts = () =>
      Promise.all(
        ["customer-events", "orders", "dead-letter-resends"].flatMap((topic) =>
          Array.from({ length: config.partitions }, async (_, partition) => {
            let count = 0;
            await readToEnd(platform.log, { topic, partition, offset: 0 }, (records) => {
              count += records.count;
            });
            return count;
          }),
        ),
      );

    /** How often the lake has each of the events. */
    async function timesIn(table: string, like: string): Promise<Record<string, number>> {
      const rows = await query(
        `SELECT event_id, count(*) AS n FROM {${table}} WHERE event_id LIKE '${like}' GROUP BY event_id ORDER BY event_id`,
      );
      return Object.fromEntries(rows.map(({ event_id, n }) => [String(event_id), Number(n)]));
    }

    it("are listed with reason, field and origin, and counted", async () => {
      await append("customer-events", [
        JSON.stringify(view("good")),
        JSON.stringify({ ...view("stared"), eventType: "item_stare" }),
        JSON.stringify(view("cut")).slice(0, -20),
      ]);
      await append("orders", [JSON.stringify({ ...order("texted"), totalMinor: "1999" })]);
      const listed = (await letters()).map(({ id, ...letter }) => [id, letter]);
      const { text } = (await letters({ reason: "wrong-type" }))[0].payload;
      expect(JSON.parse(text)).toEqual({ ...order("texted"), totalMinor: "1999" });
      expect(Object.fromEntries(listed)).toEqual({
        "customer-events-0-1": letterOf("customer-events", "unknown-symbol", "eventType"),
        "customer-events-0-2": letterOf("customer-events", "invalid-json", null),
        "orders-0-0": letterOf("orders", "wrong-type", "totalMinor"),
      });
      const { deadLetterSummary } = await ask(
        "{ deadLetterSummary { letters resent rows { topic reason letters resent } } }",
      );
      const row = (topic: string, reason: string) => ({ topic, reason, letters: 1, resent: 0 });
      expect(deadLetterSummary).toEqual({
        ...{ letters: 3, resent: 0 },
        rows: [
          row("customer-events", "invalid-json"),
          row("customer-events", "unknown-symbol"),
          row("orders", "wrong-type"),
        ],
      });
    });

    it("are repaired, refused with the reason while they are wrong, and sent once", async () => {
      const before = await recordCounts();
      const wrong = { id: "orders-0-0", payload: JSON.stringify({ ...order("texted"), totalMinor: 19.99 }) };
      expect(await resend([wrong, { id: "orders-0-77" }])).toEqual([
        {
          ...{ id: "orders-0-0", outcome: "REFUSED", resend: null },
          refusal: {
            ...{ reason: "wrong-type", field: "totalMinor" },
            message: "expected an integer, found number 19.99",
          },
        },
        { id: "orders-0-77", outcome: "NOT_FOUND", resend: null, refusal: null },
      ]);
      expect(await recordCounts()).toEqual(before);

      const repaired = [
        { id: "customer-events-0-1", payload: JSON.stringify(view("stared")) },
        { id: "orders-0-0", payload: JSON.stringify(order("texted")) },
      ];
      const sent = await resend(repaired);
      expect(sent).toMatchObject([
        { outcome: "SENT", resend: { resentBy: "ann", resentEventId: "stared", isRepaired: true } },
        { outcome: "SENT", resend: { note: "a scenario", resentEventId: "texted" } },
      ]);
      const after = await recordCounts();
      // At once, before the pipeline has come so far.
      const again = await resend(repaired);
      expect(again).toEqual(sent.map((result) => ({ ...result, outcome: "ALREADY_SENT" })));
      await platform.waitUntilProcessed();
      expect(await resend(repaired)).toEqual(again);
      expect(await recordCounts()).toEqual(after);

      expect(await timesIn("silver.events", "stared")).toEqual({ stared: 1 });
      expect(await timesIn("bronze.customer_events", "stared")).toEqual({ stared: 1 });
      expect(await timesIn("bronze.orders", "texted")).toEqual({ texted: 1 });
      const [joined] = await query(`SELECT status FROM {silver.orders} WHERE order_id = 'order-texted'`);
      expect(joined).toEqual({ status: "placed" });
      expect((await letters({ isResent: true })).map(({ id }) => id).sort()).toEqual([
        "customer-events-0-1",
        "orders-0-0",
      ]);
      expect((await letters({ isResent: false })).map(({ id }) => id)).toEqual(["customer-events-0-2"]);
    });

    it("are sent once by several who send them at the same time, from processes of their own", async () => {
      const ids = Array.from({ length: RACED }, (_, i) => `raced-${i}`);
      await append(
        "customer-events",
        ids.map((id) => JSON.stringify({ ...view(id), priceMinor: "19.99" })),
      );
      const raced = (await letters({ reason: "wrong-type", topic: "customer-events" })).map(
        ({ id, payload }) => ({
          id,
          payload: JSON.stringify({ ...JSON.parse(payload.text), priceMinor: 1999 }),
        }),
      );
      expect(raced).toHaveLength(RACED);
      const [some, ...others] = [raced.slice(0, 5), raced, raced.toReversed(), raced];
      const [outcomes, ...ended] = await Promise.all([
        resend(some),
        ...others.map((letters) => sendElsewhere(letters)),
      ]);
      for (const { code, err } of ended) expect({ code, err }).toEqual({ code: 0, err: "" });
      const sentByApi = outcomes.filter(({ outcome }) => outcome === "SENT").length;
      const sum = (name: "sent" | "alreadySent") =>
        ended.reduce((total, { report }) => total + report[name], 0);
      expect(sum("sent") + sentByApi).toBe(RACED);
      expect(sum("alreadySent")).toBe(others.length * RACED - sum("sent"));
      await platform.waitUntilProcessed();
      const once = Object.fromEntries(ids.toSorted().map((id) => [id, 1]));
      for (const table of ["bronze.customer_events", "silver.events"])
        expect(await timesIn(table, "raced-%"), table).toEqual(once);
    });

    it.each([
      ["before-resend", 0],
      ["after-resend", 1],
    ])(
      "of one who is killed %s are sent then or never, and again only where they were not",
      async (point, times) => {
        const place = { topic: "orders", reason: "out-of-range" };
        await append("orders", [JSON.stringify({ ...order(point), totalMinor: 1e16 })]);
        const [{ id }] = await letters(place);
        const line = { id, payload: order(point) };
        expect(await sendElsewhere([line], point)).toMatchObject({ signal: "SIGKILL", report: null });
        await platform.waitUntilProcessed();
        expect(Object.keys(await timesIn("bronze.orders", point))).toHaveLength(times);
        const { report } = await sendElsewhere([line]);
        expect(report).toMatchObject({ sent: 1 - times, alreadySent: times, refused: {} });
        await platform.waitUntilProcessed();
        expect(await timesIn("bronze.orders", point)).toEqual({ [point]: 1 });
      },
    );

    it("are not made of events over HTTP: whoever sends them is told; sent twice, an event is in silver once", async () => {
      const events = ["posted-1", "posted-2"].map(view);
      const body = JSON.stringify([events[0], { ...view("posted-wrong"), priceMinor: "19.99" }, events[1]]);
      const post = async () => {
        const response = await fetch(`${api.url}/collect/customer-events`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
          body,
        });
        return { status: response.status, ...((await response.json()) as object) };
      };
      const answer = {
        ...{ status: 207, accepted: 2, refused: 1 },
        refusals: [{ index: 1, reason: "wrong-type", field: "priceMinor", detail: expect.any(String) }],
      };
      expect(await post()).toEqual(answer);
      expect(await post()).toEqual(answer);
      await platform.waitUntilProcessed();
      expect(await timesIn("bronze.customer_events", "posted-%")).toEqual({ "posted-1": 2, "posted-2": 2 });
      expect(await timesIn("silver.events", "posted-%")).toEqual({ "posted-1": 1, "posted-2": 1 });
    });

    it("are not made by what was sent, and nothing complained", async () => {
      expect(await query(`SELECT count(*) AS n FROM {bronze.dead_letters}`)).toEqual([{ n: 3 + RACED + 2 }]);
      expect(await query(`SELECT count(*) AS n FROM {bronze.dead_letter_resends}`)).toEqual([
        { n: 2 + RACED + 2 },
      ]);
      expect(log.complaints).toEqual([]);
    });
  });
}

function letterOf(topic: string, reason: string, field: string | null) {
  const payload = { text: expect.any(String), bytes: expect.any(Number), isCut: false };
  return { topic, partition: 0, reason, field, payload, resend: null };
}

function startApi(platform: Platform): Promise<ApiServer> {
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return createApiServer({
    ...apiPortsOf(platform),
    logger: quiet,
    config: { port: 0, apiKeys: [{ name: "ann", role: "operator", key: KEY }] },
  });
}
