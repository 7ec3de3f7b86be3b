import { createClient } from "graphql-ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ruleChangeContract } from "../../../schema/index.ts";
import { bronzeRuleChanges, DEFAULT_RULES } from "../../../stream/index.ts";
import { recordTexts } from "../../../stream/ports/record-texts.fixture.ts";
import { TestApi } from "../../server/api.fixture.ts";

const KEYS = { ann: "ann-0123456789abcdef", web: "web-0123456789abcdef" };
const AMOUNT = { ...DEFAULT_RULES.find(({ id }) => id === "order-amount"), totalMinorMin: 7 };
const SET = `mutation ($rule: String!, $reason: String, $from: DateTime) {
  setRule(rule: $rule, reason: $reason, effectiveFrom: $from) { ruleId changedBy reason effectiveTime changeTime to } }`;
const DISABLE = `mutation ($id: String!) { disableRule(id: $id) { ruleId changedBy reason to } }`;

describe("rules changed through the API", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start({
      apiKeys: [
        { name: "ann", role: "operator", key: KEYS.ann },
        { name: "web", role: "viewer", key: KEYS.web },
      ],
    });
  });
  afterAll(() => api.stop());

  /** Every change in the log, oldest first. */
  const changes = async (): Promise<readonly Record<string, unknown>[]> =>
    (await recordTexts(api.log, ruleChangeContract.topic)).map((text) => JSON.parse(text));
  const codeOf = async (query: string, variables: object, key?: string) =>
    (await api.query(query, variables, key)).errors?.[0].extensions.code;

  it("go into the log as commands write them, with the name of the key and the reason", async () => {
    const from = "2026-01-31T12:00:00.000Z";
    const rule = JSON.stringify(AMOUNT);
    const { data, errors } = await api.query(SET, { rule, from, reason: "a test" }, KEYS.ann);
    expect(errors).toBeUndefined();
    const accepted = { ruleId: "order-amount", changedBy: "ann", reason: "a test" };
    expect(data.setRule).toMatchObject({ ...accepted, effectiveTime: from });
    expect(JSON.parse(data.setRule.to)).toEqual(AMOUNT);
    const off = await api.query(DISABLE, { id: "night-order" }, KEYS.ann);
    expect(off.data.disableRule).toEqual({ ...accepted, ruleId: "night-order", reason: null, to: null });

    const [set, disabled, ...more] = await changes();
    expect(set).toMatchObject({
      ...accepted,
      effectiveTime: Date.parse(from),
      changeTime: Date.parse(data.setRule.changeTime),
      rule: AMOUNT,
    });
    expect(disabled).toMatchObject({ ruleId: "night-order", changedBy: "ann", rule: null });
    expect(disabled.effectiveTime).toBeGreaterThan(Number(disabled.changeTime));
    expect(more).toEqual([]);
  });

  it.each(["authorization", "Authorization"])(
    "over a socket too, whose first message has the key as %s",
    async (name) => {
      const before = (await changes()).length;
      const client = createClient({
        url: api.socketUrl(),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: { [name]: `Bearer ${KEYS.ann}` },
      });
      const answers = client.iterate<{ disableRule: { changedBy: string } }>({
        query: DISABLE,
        variables: { id: "first-order" },
      });
      const { value } = await answers.next();
      expect(value?.data?.disableRule).toMatchObject({ ruleId: "first-order", changedBy: "ann" });
      await client.dispose();
      expect(await changes()).toHaveLength(before + 1);
    },
  );

  it("are refused without a key, with an unknown one, and to who may only read; nothing is changed", async () => {
    const before = (await changes()).length;
    const rule = JSON.stringify(AMOUNT);
    for (const [query, variables] of [
      [SET, { rule }],
      [DISABLE, { id: "night-order" }],
    ] as const) {
      expect(await codeOf(query, variables)).toBe("unauthenticated");
      expect(await codeOf(query, variables, "ann-0123456789abcdeF")).toBe("unauthenticated");
      expect(await codeOf(query, variables, KEYS.web)).toBe("forbidden");
    }
    const messageTo = async (key?: string) =>
      (await api.query(DISABLE, { id: "night-order" }, key)).errors?.[0].message;
    expect(await messageTo()).toMatch(/^This takes an API key of the role operator: send it as/);
    expect(await messageTo("ann-0123456789abcdeF")).toMatch(
      /^The API key that was sent is not known\. This takes/,
    );
    expect(await changes()).toHaveLength(before);
    expect((await api.query("{ orderRules { id } }", {}, KEYS.web)).data.orderRules).not.toEqual([]);
  });

  it("are refused where they are no rules, with all that is wrong", async () => {
    const before = (await changes()).length;
    const bad = { id: "x", kind: "velocity", of: "shoe", severity: "high" };
    const { errors } = await api.query(SET, { rule: JSON.stringify(bad) }, KEYS.ann);
    expect(errors?.[0].extensions).toMatchObject({ code: "invalid-rules", origin: "user" });
    expect(errors?.[0].message).toMatch(/of must be one of user, device, card, address.*orders must be/s);
    expect(await codeOf(SET, { rule: "{" }, KEYS.ann)).toBe("invalid-rules");
    expect(await codeOf(DISABLE, { id: "No Id" }, KEYS.ann)).toBe("invalid-argument");
    const long = { rule: JSON.stringify(AMOUNT), reason: "x".repeat(1_001) };
    expect(await codeOf(SET, long, KEYS.ann)).toBe("invalid-argument");
    expect(await changes()).toHaveLength(before);
  });

  it("switch off only rules that there are: shipped, set as the lake knows, or set a moment ago", async () => {
    const rule = (id: string) => JSON.stringify({ ...AMOUNT, id });
    const time = new Date(0);
    const row = { event_id: "e1", change_time: time, effective_time: time, changed_by: "ann", _partition: 0 };
    const envelope = { _offset: 0, _ingested_at: time };
    await api.commit(bronzeRuleChanges, [
      { ...row, ...envelope, rule_id: "of-the-lake", rule: rule("of-the-lake") },
      { ...row, ...envelope, event_id: "e2", rule_id: "never-there", rule: null },
    ]);
    const before = (await changes()).length;
    for (const id of ["nope", "never-there"]) {
      const { errors } = await api.query(DISABLE, { id }, KEYS.ann);
      expect(errors?.[0].extensions).toMatchObject({ code: "invalid-argument", origin: "user" });
      expect(errors?.[0].message).toMatch(
        new RegExp(`There is no rule "${id}"\\. There are: .*order-amount.*of-the-lake`),
      );
      expect(errors?.[0].message.match(/never-there/g) ?? []).toHaveLength(id === "never-there" ? 1 : 0);
    }
    expect(await changes()).toHaveLength(before);
    await api.query(SET, { rule: rule("just-set") }, KEYS.ann);
    for (const id of ["of-the-lake", "just-set"])
      expect((await api.query(DISABLE, { id }, KEYS.ann)).data.disableRule).toMatchObject({ ruleId: id });
  });

  it("are not made by a GET", async () => {
    const url = new URL(`${api.server.url}/graphql`);
    url.searchParams.set("query", 'mutation { disableRule(id: "night-order") { ruleId } }');
    const headers = { authorization: `Bearer ${KEYS.ann}`, "apollo-require-preflight": "1" };
    expect((await fetch(url, { headers })).status).toBe(405);
  });
});
