import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silverSessions } from "../../schema/index.ts";
import type { TestApi } from "../server/api.fixture.ts";

const T0 = Date.UTC(2026, 0, 31, 23, 58);
const at = (ms: number) => new Date(T0 + ms);
const iso = (ms: number) => at(ms).toISOString();

/** How connections page and filter, whatever engine reads the lake. */
export function connectionsContract(name: string, start: () => Promise<TestApi>): void {
  describe(`connections from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    const session = (user: string, start: number) => ({
      session_key: `${user}:${start}`,
      user_id: user,
      session_start: at(start),
      session_end: at(start + 10),
      duration_ms: 10,
      events: 3,
      page_views: 2,
      cart_adds: 0,
      purchases: 0,
      revenue_minor: 0,
      converted: user === "buyer",
      entry_event_type: "page_view",
      exit_event_type: "search",
    });
    const QUERY = `query ($first: Int!, $after: String, $filter: SessionFilter) { sessions(first: $first, after: $after, filter: $filter) {
      edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

    it("page through every row once, though rows come in between and times are equal", async () => {
      const rows = Array.from({ length: 25 }, (_, i) => session(`s${i}`, Math.floor(i / 10)));
      await api.commit(silverSessions, rows);
      const ids: string[] = [];
      let after: string | null = null;
      for (let page = 0; ; page++) {
        const { sessions } = await api.data(QUERY, { first: 4, after });
        ids.push(...sessions.edges.map(({ node }: { node: { id: string } }) => node.id));
        expect(sessions.pageInfo.hasPreviousPage).toBe(page > 0);
        if (!sessions.pageInfo.hasNextPage) break;
        after = sessions.pageInfo.endCursor;
        // Newer than all, so before the first page: must not move the pages behind it.
        await api.commit(silverSessions, [session("new", 1_000 + page)]);
      }
      const order = rows.toSorted(
        (a, b) =>
          b.session_start.getTime() - a.session_start.getTime() || (a.session_key < b.session_key ? 1 : -1),
      );
      expect(ids).toEqual(order.map((row) => row.session_key));
    });

    it("filter", async () => {
      await api.commit(silverSessions, [session("buyer", 5_000)]);
      const ids = async (filter: object) =>
        (await api.data(QUERY, { first: 50, filter })).sessions.edges.map(
          (e: { node: { id: string } }) => e.node.id,
        );
      expect(await ids({ converted: true })).toEqual(["buyer:5000"]);
      expect(await ids({ userId: "s3" })).toEqual(["s3:0"]);
      expect(await ids({ from: iso(5_000) })).toEqual(["buyer:5000"]);
      expect(await ids({ from: iso(1), to: iso(2), converted: false })).toHaveLength(10);
      expect(await ids({ userId: "' or 1 = 1 --" })).toEqual([]);
    });

    it("refuse a range that ends before it begins, as all answers about a range do", async () => {
      const page = "{ edges { cursor } }";
      const ofRange = (range: string) => [
        `{ revenueByCategory(${range}) { rows { units } } }`,
        `{ funnel(${range}) { rows { day } } }`,
        `{ metric(name: "orders", ${range}) { points { value } } }`,
        `{ modelHealth(plugin: "fraud", ${range}) { windows { scores } } }`,
        ...["anomalies", "flashSaleAlerts", "orderAlerts", "inventoryAlerts"].map(
          (field) => `{ ${field}(${range}) ${page} }`,
        ),
        ...["orders", "sessions", "fraudScores", "propensityScores", "keptRecommendations"].map(
          (field) => `{ ${field}(filter: { ${range} }) ${page} }`,
        ),
        `{ user(id: "u") { pageViews(${range}) ${page} } }`,
      ];
      for (const to of [iso(0), iso(-1)]) {
        for (const query of ofRange(`from: "${iso(0)}", to: "${to}"`)) {
          const { errors } = await api.query(query);
          expect(errors?.[0], query).toMatchObject({
            message: "from must be before to.",
            extensions: { code: "invalid-argument", origin: "user" },
          });
        }
      }
    });

    it("refuse cursors that are not theirs, and pages out of bounds", async () => {
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const cursors = [
        "",
        "x",
        "%%%",
        encode(null),
        encode(["sessions"]),
        encode(["products", 1, "a"]),
        encode(["sessions", "1", "a"]),
        encode(["sessions", 1e300, "a"]),
        encode(["sessions", 1, { $gt: "" }]),
        encode(["sessions", 1, "a", "b"]),
        "A".repeat(100_000),
      ];
      for (const after of cursors) {
        const { errors } = await api.query(QUERY, { first: 1, after });
        expect(errors?.[0].extensions, after).toMatchObject({ code: "cursor-invalid", origin: "user" });
      }
      for (const first of [0, -1, 201, 2 ** 31 - 1]) {
        const { errors } = await api.query(QUERY, { first });
        expect(errors?.[0].extensions.code, String(first)).toMatch(/^(invalid-argument|cost-limit)$/);
      }
    });
  });
}
