import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bronzeRuleChanges, DEFAULT_RULES, goldOrderAlerts, silverOrders } from "../../stream/index.ts";
import type { TestApi } from "../server/api.fixture.ts";

const T0 = Date.UTC(2026, 0, 31, 23, 58);
const at = (ms: number) => new Date(T0 + ms);
const iso = (ms: number) => at(ms).toISOString();

/** What the API answers of orders and of what rules find in them, whatever engine reads the lake. */
export function ordersContract(name: string, start: () => Promise<TestApi>): void {
  describe(`orders from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    it("list orders as they stand, each with its payment and profile", async () => {
      const row = (id: string, second: number, status: string, revision: number, changes = {}) => ({
        order_id: id,
        user_id: "u1",
        order_time: at(second * 1000),
        status,
        status_time: at(second * 1000 + revision),
        currency: "EUR",
        total_minor: 1500,
        item_count: 2,
        failed_payments: 0,
        payment_missing: false,
        revision,
        ...changes,
      });
      const paid = {
        payment_id: "y1",
        payment_status: "captured",
        payment_time: at(5),
        paid_minor: 1500,
        payment_currency: "EUR",
        card_country: "DE",
        profile_time: at(-1),
        profile_country: "FR",
      };
      const before = await api.commit(silverOrders, [row("a", 0, "placed", 1), row("b", 1, "placed", 1)]);
      await api.commit(silverOrders, [
        row("a", 0, "refunded", 3, paid),
        row("a", 0, "paid", 2),
        row("c", 2, "placed", 1, { payment_missing: true, user_id: "u2" }),
      ]);
      const query = `query ($filter: OrderFilter, $asOf: String) { orders(filter: $filter, asOf: $asOf) {
        edges { node { id status } } freshness { snapshotId } } }`;
      const orders = async (variables: object) =>
        (await api.data(query, { ...variables })).orders.edges.map(
          ({ node }: { node: { id: string; status: string } }) => [node.id, node.status],
        );
      expect(await orders({})).toEqual([
        ["c", "PLACED"],
        ["b", "PLACED"],
        ["a", "REFUNDED"],
      ]);
      expect(await orders({ asOf: before })).toEqual([
        ["b", "PLACED"],
        ["a", "PLACED"],
      ]);
      expect(await orders({ filter: { status: "PLACED", userId: "u1" } })).toEqual([["b", "PLACED"]]);
      expect(await orders({ filter: { paymentMissing: true } })).toEqual([["c", "PLACED"]]);
      expect(await orders({ filter: { paymentMissing: false, to: iso(1000) } })).toEqual([["a", "REFUNDED"]]);
      const { order, none } =
        await api.data(`{ none: order(id: "none") { id } order(id: "a") { id userId orderTime statusTime
        total { amountMinor currency } itemCount payment { id status time amount { amountMinor currency } cardCountry }
        failedPayments paymentMissing profile { time country segment signupTime } revision } }`);
      expect(none).toBeNull();
      expect(order).toEqual({
        id: "a",
        userId: "u1",
        orderTime: iso(0),
        statusTime: iso(3),
        total: { amountMinor: 1500, currency: "EUR" },
        itemCount: 2,
        payment: {
          id: "y1",
          status: "CAPTURED",
          time: iso(5),
          amount: { amountMinor: 1500, currency: "EUR" },
          cardCountry: "DE",
        },
        failedPayments: 0,
        paymentMissing: false,
        profile: { time: iso(-1), country: "FR", segment: null, signupTime: null },
        revision: 3,
      });
    });

    it("list the rules that judge orders, and who changed them", async () => {
      const query = `{ orderRules { id version rule change { changedBy } }
        orderRuleChanges { ruleId version changedBy reason effectiveTime from to } }`;
      const shipped = await api.data(query);
      expect(shipped.orderRuleChanges).toEqual([]);
      expect(shipped.orderRules).toHaveLength(DEFAULT_RULES.length);
      const night = DEFAULT_RULES.find(({ id }) => id === "night-order");
      const row = (offset: number, rule: object | null) => ({
        event_id: `c${offset}`,
        rule_id: "night-order",
        change_time: at(offset),
        effective_time: at(offset),
        changed_by: "ann",
        reason: offset === 0 ? "a test" : null,
        rule: rule === null ? null : JSON.stringify(rule),
        _topic: "rule-changes",
        _partition: 0,
        _offset: offset,
        _ingested_at: at(0),
      });
      await api.commit(bronzeRuleChanges, [row(0, { ...night, toHour: 6 }), row(1, null)]);
      const { orderRules, orderRuleChanges } = await api.data(query);
      const to = JSON.stringify({ ...night, toHour: 6 });
      expect(orderRuleChanges).toEqual([
        {
          ruleId: "night-order",
          version: 2,
          changedBy: "ann",
          reason: "a test",
          effectiveTime: iso(0),
          from: JSON.stringify(night),
          to,
        },
        {
          ruleId: "night-order",
          version: 3,
          changedBy: "ann",
          reason: null,
          effectiveTime: iso(1),
          from: to,
          to: null,
        },
      ]);
      expect(orderRules.find(({ id }: { id: string }) => id === "night-order")).toEqual({
        id: "night-order",
        version: 3,
        rule: null,
        change: { changedBy: "ann" },
      });
    });

    it("list orders that rules found suspicious", async () => {
      const row = (id: string, user: string, severity: string) => ({
        alert_id: id,
        rule: "order-velocity@1",
        order_id: `o-${id}`,
        user_id: user,
        order_time: at(0),
        reason: "6 orders in 10 minutes",
        severity,
        status: "raised",
        revision: 1,
      });
      await api.commit(goldOrderAlerts, [
        row("x", "u1", "high"),
        row("y", "u1", "low"),
        row("z", "u2", "high"),
      ]);
      const { orderAlerts } = await api.data(
        `{ orderAlerts(userId: "u1", severities: [HIGH]) { edges { node { id rule orderId userId orderTime reason severity } } } }`,
      );
      expect(orderAlerts.edges.map(({ node }: { node: object }) => node)).toEqual([
        {
          id: "x",
          rule: "order-velocity@1",
          orderId: "o-x",
          userId: "u1",
          orderTime: iso(0),
          reason: "6 orders in 10 minutes",
          severity: "HIGH",
        },
      ]);
    });
  });
}
