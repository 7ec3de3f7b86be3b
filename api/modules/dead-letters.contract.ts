import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bronzeDeadLetters, encodeAvro, orderContract } from "../../schema/index.ts";
import { bronzeDeadLetterResends, type EventLog } from "../../stream/index.ts";
import { recordTexts } from "../../stream/ports/record-texts.fixture.ts";
import type { TestApi } from "../server/api.fixture.ts";
import type { ApiConfig } from "../server/config.ts";

const KEYS = { ann: "ann-0123456789abcdef", web: "web-0123456789abcdef" };
const T0 = Date.UTC(2026, 0, 31, 23, 58);
const at = (ms: number) => new Date(T0 + ms);
const ORDER = {
  ...{ eventId: "e1", orderId: "o1", orderTime: T0, userId: "u1", status: "placed" },
  ...{ currency: "EUR", totalMinor: 1999, itemCount: 1 },
};
const REPAIRED = JSON.stringify(ORDER);
const TOPICS = ["orders", "dead-letter-resends"];

function letterRow(offset: number, ms: number, record: string | Buffer, changes: object = {}) {
  const bytes = Buffer.from(record as string);
  return {
    ...{ _topic: "orders", _partition: 0, _offset: offset, _ingested_at: at(ms) },
    ...{ reason: "wrong-type", field: "totalMinor", detail: "expected a number" },
    ...{ record_base64: bytes.toString("base64"), record_bytes: bytes.length },
    ...changes,
  };
}

/** The log, whose first appends wait until so many have come. */
function appendingTogether(log: EventLog, count: number): EventLog {
  const all = Promise.withResolvers<void>();
  let come = 0;
  const append: EventLog["append"] = async (...args) => {
    if (++come === count) all.resolve();
    await all.promise;
    return log.append(...args);
  };
  return new Proxy(log, {
    get(target, name: keyof EventLog) {
      return name === "append" ? append : target[name]?.bind(target);
    },
  });
}

/** What the API answers of dead letters, and how it sends them again, whatever engine reads the lake. */
export function deadLettersContract(
  name: string,
  start: (config?: Partial<ApiConfig>) => Promise<TestApi>,
): void {
  describe(`dead letters from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start({
        apiKeys: [
          { name: "ann", role: "operator", key: KEYS.ann },
          { name: "web", role: "viewer", key: KEYS.web },
        ],
      });
    });
    afterAll(() => api.stop());

    const list = async (variables: object = {}) =>
      (
        await api.data(
          `query ($filter: DeadLetterFilter, $first: Int! = 20, $after: String, $asOf: String) {
            deadLetters(filter: $filter, first: $first, after: $after, asOf: $asOf) {
              edges { node { id topic partition offset receivedTime reason field message
                payload { text base64 bytes isCut } resend { resentBy resentEventId } } }
              pageInfo { hasNextPage endCursor } freshness { snapshotId } } }`,
          variables,
        )
      ).deadLetters;
    const idsOf = async (filter: object) =>
      (await list({ filter })).edges.map(({ node }: { node: { id: string } }) => node.id);
    const resend = (letters: readonly object[], key: string | undefined = KEYS.ann) =>
      api.query(
        `mutation ($letters: [ResendInput!]!) { resendDeadLetters(letters: $letters, note: "a test") {
          id outcome resend { resentTime resentBy note resentEventId isRepaired } refusal { reason field message } } }`,
        { letters },
        key,
      );
    const ends = () => Promise.all(TOPICS.map(async (topic) => (await api.log.offsets(topic, 0)).end));
    /** The records of a topic, oldest first. */
    const records = (topic: string) => recordTexts(api.log, topic);

    it("are none before the first", async () => {
      expect(await list()).toMatchObject({ edges: [], freshness: { snapshotId: null } });
      const { deadLetterSummary, deadLetter } = await api.data(
        '{ deadLetterSummary { letters rows { topic } } deadLetter(id: "orders-0-1") { id } }',
      );
      expect(deadLetterSummary).toEqual({ letters: 0, rows: [] });
      expect(deadLetter).toBeNull();
    });

    it("are listed newest first, by topic, reason and time, with their payload as text and bytes", async () => {
      await api.commit(bronzeDeadLetters, [
        letterRow(1, 0, JSON.stringify({ ...ORDER, totalMinor: "1999" })),
        letterRow(2, 1_000, Buffer.of(0xff, 0xfe), { reason: "invalid-utf8", field: null }),
        letterRow(3, 2_000, `{"eventId":"e33","note":"${"ü".repeat(3_000)}"}`),
        letterRow(4, 2_000, REPAIRED.slice(0, 40), { record_bytes: 2_000_000, reason: "too-large" }),
        letterRow(5, 3_000, "{}", { _topic: "rule-changes", reason: "missing-field", field: "ruleId" }),
      ]);
      const { edges, freshness } = await list();
      const nodes = edges.map(({ node }: { node: object }) => node);
      expect(nodes[4]).toEqual({
        ...{ id: "orders-0-1", topic: "orders", partition: 0, offset: 1, receivedTime: at(0).toISOString() },
        ...{ reason: "wrong-type", field: "totalMinor", message: "expected a number", resend: null },
        payload: {
          text: JSON.stringify({ ...ORDER, totalMinor: "1999" }),
          base64: Buffer.from(JSON.stringify({ ...ORDER, totalMinor: "1999" })).toString("base64"),
          ...{ bytes: REPAIRED.length + 2, isCut: false },
        },
      });
      expect(nodes[3].payload).toEqual({ text: null, base64: "//4=", bytes: 2, isCut: false });
      // Cut before the character that 4,096 bytes would cut in two.
      expect(nodes[2].payload).toMatchObject({ bytes: 6_027, isCut: true });
      expect(Buffer.from(nodes[2].payload.text)).toHaveLength(4_095);
      expect(nodes[1].payload).toMatchObject({ text: REPAIRED.slice(0, 40), bytes: 2_000_000, isCut: true });
      const { deadLetter } = await api.data(
        '{ deadLetter(id: "orders-0-3") { payload { text isCut bytes } } }',
      );
      expect(deadLetter.payload).toMatchObject({ bytes: 6_027, isCut: false });

      expect(await idsOf({ topic: "rule-changes" })).toEqual(["rule-changes-0-5"]);
      expect(await idsOf({ reason: "wrong-type" })).toEqual(["orders-0-3", "orders-0-1"]);
      expect(await idsOf({ from: at(1_000).toISOString(), to: at(2_000).toISOString() })).toEqual([
        "orders-0-2",
      ]);
      const first = await list({ first: 2 });
      const second = await list({ first: 3, after: first.pageInfo.endCursor, asOf: freshness.snapshotId });
      expect([...first.edges, ...second.edges].map(({ node }: { node: { id: string } }) => node.id)).toEqual([
        "rule-changes-0-5",
        "orders-0-4",
        "orders-0-3",
        "orders-0-2",
        "orders-0-1",
      ]);
      expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
    });

    it("are sent by operators alone, and not by a call that is wrong; nothing is written", async () => {
      const before = await ends();
      const codeOf = async (letters: readonly object[], key?: string) =>
        (await resend(letters, key)).errors?.[0].extensions.code;
      const letter = { id: "orders-0-1", payload: REPAIRED };
      expect(await codeOf([letter], "")).toBe("unauthenticated");
      expect(await codeOf([letter], KEYS.web)).toBe("forbidden");
      expect(await codeOf([{ ...letter, payloadBase64: "e30=" }])).toBe("invalid-argument");
      expect(await codeOf([{ id: "orders-0-1", payloadBase64: "e30" }])).toBe("invalid-argument");
      expect(await codeOf(Array.from({ length: 201 }, () => letter))).toBe("invalid-argument");
      expect(await ends()).toEqual(before);
    });

    it("that would be refused again say why, as do those that nobody sends; nothing is written", async () => {
      const before = await ends();
      const { data } = await resend([
        { id: "orders-0-1" },
        { id: "orders-0-1x", payload: REPAIRED },
        { id: "orders-0-9", payload: REPAIRED },
        { id: "orders-0-2", payload: "" },
        { id: "orders-0-3", payload: JSON.stringify({ ...ORDER, orderTime: Date.now() + 7_200_000 }) },
        { id: "orders-0-4" },
        { id: "rule-changes-0-5", payload: "{}" },
      ]);
      const refused = (id: string, reason: string, field: string | null) => ({
        ...{ id, outcome: "REFUSED", resend: null },
        refusal: { reason, field, message: expect.any(String) },
      });
      const notFound = (id: string) => ({ id, outcome: "NOT_FOUND", resend: null, refusal: null });
      expect(data.resendDeadLetters).toEqual([
        refused("orders-0-1", "wrong-type", "totalMinor"),
        notFound("orders-0-1x"),
        notFound("orders-0-9"),
        refused("orders-0-2", "empty", null),
        refused("orders-0-3", "time-in-future", "orderTime"),
        refused("orders-0-4", "incomplete-record", null),
        refused("rule-changes-0-5", "platform-record", null),
      ]);
      expect(await ends()).toEqual(before);
    });

    it("are sent once, however many ask at the same time, and say from then on what they were sent as", async () => {
      const letter = { id: "orders-0-1", payload: REPAIRED };
      // Each on a way of its own to the log, like two processes, and both have looked before either appends.
      const log = appendingTogether(api.log, 2);
      const outcomes = await Promise.all(
        ["bob", "eve"].map(async (resentBy) => {
          const payload = Buffer.from(JSON.stringify({ ...ORDER, eventId: resentBy }));
          return (await api.resendsWith(log).send([{ id: letter.id, payload }], { resentBy, note: null }))[0];
        }),
      );
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(["already-sent", "sent"]);
      expect(new Set(outcomes.map((outcome) => "resend" in outcome && outcome.resend.resentBy)).size).toBe(1);
      const calls = [1, 2, 3].map(async () => (await resend([letter])).data.resendDeadLetters[0].outcome);
      expect(await Promise.all(calls)).toEqual(["ALREADY_SENT", "ALREADY_SENT", "ALREADY_SENT"]);
      const [event, ...more] = await records("orders");
      expect(more).toEqual([]);
      const [record, ...others] = (await records("dead-letter-resends")).map((text) => JSON.parse(text));
      expect(others).toEqual([]);
      expect(record).toMatchObject({
        ...{ eventId: `orders-0-1@${T0}`, letterTopic: "orders", letterPartition: 0, letterOffset: 1 },
        ...{ letterTime: T0, letterReason: "wrong-type", isRepaired: true },
        resentEventId: JSON.parse(event).eventId,
      });
      const { data } = await resend([letter, letter]);
      const resent = { resentBy: record.resentBy, resentEventId: record.resentEventId };
      expect(data.resendDeadLetters).toEqual([
        expect.objectContaining({ outcome: "ALREADY_SENT", resend: expect.objectContaining(resent) }),
        expect.objectContaining({ outcome: "ALREADY_SENT", resend: expect.objectContaining(resent) }),
      ]);
      expect((await list()).edges[4].node.resend).toEqual(resent);
    });

    it("are known as sent when the lake has the record, whose tail the log need not have any more", async () => {
      const [record] = (await records("dead-letter-resends")).map((text) => JSON.parse(text));
      await api.commit(bronzeDeadLetterResends, [
        {
          ...{ event_id: record.eventId, letter_topic: "orders", letter_partition: 0, letter_offset: 1 },
          ...{ letter_time: at(0), letter_reason: "wrong-type", resent_time: new Date(record.resentTime) },
          ...{ resent_by: record.resentBy, note: record.note, resent_event_id: record.resentEventId },
          ...{ is_repaired: true, _topic: "dead-letter-resends", _partition: 0, _offset: 0 },
          _ingested_at: new Date(),
        },
      ]);
      expect(await idsOf({ isResent: true })).toEqual(["orders-0-1"]);
      expect(await idsOf({ isResent: false, topic: "orders" })).toEqual([
        ...["orders-0-4", "orders-0-3", "orders-0-2"],
      ]);
      const asOf = (await list()).freshness.snapshotId;
      const { errors } = await api.query(
        "query ($asOf: String) { deadLetters(asOf: $asOf, filter: { isResent: true }) { edges { cursor } } }",
        { asOf },
      );
      expect(errors?.[0].extensions.code).toBe("invalid-argument");
      const { deadLetterSummary } = await api.data(
        "{ deadLetterSummary { letters resent rows { topic reason letters resent firstTime lastTime } } }",
      );
      expect(deadLetterSummary).toMatchObject({ letters: 5, resent: 1 });
      expect(deadLetterSummary.rows[0]).toEqual({
        ...{ topic: "orders", reason: "wrong-type", letters: 2, resent: 1 },
        ...{ firstTime: at(0).toISOString(), lastTime: at(2_000).toISOString() },
      });
      const before = await ends();
      const { data } = await resend([{ id: "orders-0-1", payload: REPAIRED }]);
      expect(data.resendDeadLetters[0]).toMatchObject({
        outcome: "ALREADY_SENT",
        resend: { resentBy: record.resentBy, resentTime: new Date(record.resentTime).toISOString() },
      });
      expect(await ends()).toEqual(before);
    });

    it("are sent as Avro as well, and as they were received", async () => {
      const avro = encodeAvro(orderContract, { ...ORDER, status: "placed", eventId: "avro" });
      // Refused when it came, for its time: the clock has gone on.
      await api.commit(bronzeDeadLetters, [
        letterRow(6, 4_000, JSON.stringify({ ...ORDER, eventId: "early" }), { reason: "time-in-future" }),
      ]);
      const { data } = await resend([
        { id: "orders-0-2", payloadBase64: Buffer.from(avro).toString("base64") },
        { id: "orders-0-6" },
      ]);
      expect(data.resendDeadLetters).toMatchObject([
        {
          outcome: "SENT",
          resend: { resentEventId: "avro", isRepaired: true, resentBy: "ann", note: "a test" },
        },
        { outcome: "SENT", resend: { resentEventId: "early", isRepaired: false } },
      ]);
      expect((await records("orders")).slice(1)).toEqual([
        Buffer.from(avro).toString(),
        JSON.stringify({ ...ORDER, eventId: "early" }),
      ]);
    });
  });
}
