import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "./testing/run-cli.ts";

const MINUTE_MS = 60_000;
const event = (eventId: string, changes: object = {}) =>
  JSON.stringify({
    ...{ eventId, eventType: "item_view", eventTime: Date.UTC(2026, 0, 1), userId: "u", productId: "p" },
    ...{ priceMinor: 1999, ...changes },
  });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-letters-"));
  await replay("first.ndjson", [
    event("good"),
    event("priced", { priceMinor: "19.99" }),
    event("stared", { eventType: "item_stare" }),
    event("cut").slice(0, -9),
  ]);
}, MINUTE_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

const millraceWith = (input: string, ...args: string[]) =>
  runCli([...args, "--home", "home"], { folder, environment: { USER: "ann" }, input });
const millrace = (...args: string[]) => millraceWith("", ...args);
const json = async (...args: string[]) => JSON.parse((await millrace(...args, "--json")).out);

/** Appends the lines and runs the pipeline until all is published. */
async function replay(name: string, lines: readonly string[]): Promise<void> {
  await writeFile(join(folder, name), lines.join("\n"));
  const { code, err } = await millrace("replay", "ndjson", join(folder, name), "--wait");
  expect(code, err).toBe(0);
}

/** Id of the letter of each event, by what its record has. */
async function idOf(part: string): Promise<string> {
  const { deadLetters } = await json("dead-letters", "list");
  return deadLetters.find(({ record }: { record: string }) => record.includes(part)).id;
}

async function timesInSilver(like: string): Promise<object[]> {
  return rowsOf(
    `SELECT event_id, count(*) AS n FROM silver.events WHERE event_id LIKE '${like}' GROUP BY 1 ORDER BY 1`,
  );
}

async function rowsOf(sql: string): Promise<object[]> {
  const { out } = await millrace("query", sql, "--format", "ndjson");
  return out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}

test("letters are listed without a subcommand as well, and shown whole", async () => {
  const { deadLetters } = await json("dead-letters");
  expect(deadLetters).toHaveLength(3);
  expect(await json("dead-letters", "--reason", "unknown-symbol")).toEqual({
    deadLetters: [
      {
        ...{ id: expect.stringMatching(/^customer-events-\d-\d+$/), topic: "customer-events" },
        ...{ partition: expect.any(Number), offset: expect.any(Number), receivedTime: expect.any(String) },
        ...{ reason: "unknown-symbol", field: "eventType", detail: expect.any(String), resend: null },
        record: event("stared", { eventType: "item_stare" }),
      },
    ],
  });
  const id = await idOf("item_stare");
  const shown = await millrace("dead-letters", "show", id);
  expect(shown.out).toMatch(new RegExp(`id +${id}\n.*reason +unknown-symbol \\(eventType\\):.*\n`, "s"));
  expect(shown.out).toContain('"eventType":"item_stare"');
  const none = await millrace("dead-letters", "show", "orders-0-1");
  expect({ code: none.code, out: none.out }).toEqual({ code: 1, out: "" });
  expect(none.err).toContain("there is no dead letter orders-0-1");
});

test("one is refused again with the reason, or sent once, and says so from then on", async () => {
  const id = await idOf("19.99");
  await writeFile(join(folder, "wrong.json"), event("priced", { priceMinor: 19.99 }));
  const wrong = await millrace("dead-letters", "resend", id, "--payload", "wrong.json");
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain(`${id} is refused again: wrong-type (priceMinor): expected an integer`);

  const repaired = event("priced");
  const sent = await millraceWith(repaired, "dead-letters", "resend", id, "--payload", "-", "--note", "text");
  expect({ code: sent.code, err: sent.err }).toEqual({ code: 0, err: "" });
  expect(sent.out).toMatch(new RegExp(`^${id}: sent as event priced, by ann, .*: text\n$`));
  const again = await millraceWith(event("another"), "dead-letters", "resend", id, "--payload", "-");
  expect(again.code).toBe(0);
  expect(again.out).toMatch(new RegExp(`^${id}: was sent before as event priced, by ann`));
  expect((await json("dead-letters", "show", id)).resend).toMatchObject({
    ...{ resentBy: "ann", note: "text", resentEventId: "priced", isRepaired: true },
  });
  await replay("second.ndjson", [event("later")]);
  expect(await timesInSilver("%")).toEqual([
    { event_id: "good", n: 1 },
    { event_id: "later", n: 1 },
    { event_id: "priced", n: 1 },
  ]);
  expect((await json("dead-letters", "--unsent")).deadLetters).toHaveLength(2);
});

test("many are exported, edited and sent; what is sent or wrong is counted, and again changes nothing", async () => {
  const exported = await millrace("dead-letters", "export");
  const lines = exported.out.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).reason)).toEqual(["unknown-symbol", "invalid-json"]);
  const edited = [
    ...lines.map((line) => line.replaceAll("item_stare", "item_view")),
    "no line",
    JSON.stringify({ id: "orders-0-5", payload: {} }),
  ];
  await writeFile(join(folder, "letters.ndjson"), edited.join("\n"));
  const resend = () => millrace("dead-letters", "resend", "--from", "letters.ndjson", "--json");
  const first = await resend();
  expect(first.code).toBe(1);
  const cut = JSON.parse(lines[1]).id;
  const rest = { lines: 4, notFound: 1, refused: { "invalid-json": 1, "invalid-line": 1 } };
  expect(JSON.parse(first.out)).toEqual({
    ...{ ...rest, sent: 1, alreadySent: 0 },
    refusedExamples: [
      { line: 3, id: null, field: null, reason: "invalid-line", detail: expect.stringContaining("no JSON") },
      { line: 2, id: cut, field: null, reason: "invalid-json", detail: expect.any(String) },
    ],
  });
  expect(JSON.parse((await resend()).out)).toMatchObject({ ...rest, sent: 0, alreadySent: 1 });
  const text = await millrace("dead-letters", "resend", "--from", "letters.ndjson");
  expect(text.out).toMatch(/sent +0\nalready sent +1\nnot found +1\nrefused again +2\n/);
  expect(text.err).toContain("3 letters were refused or not found");

  await replay("third.ndjson", [event("last")]);
  expect(await timesInSilver("stared")).toEqual([{ event_id: "stared", n: 1 }]);
  const left = (await millrace("dead-letters", "export")).out.trimEnd().split("\n");
  expect(left.map((line) => JSON.parse(line).id)).toEqual([cut]);
  expect(await rowsOf("SELECT letter_reason, resent_by FROM bronze.dead_letter_resends ORDER BY 1")).toEqual([
    { letter_reason: "unknown-symbol", resent_by: "ann" },
    { letter_reason: "wrong-type", resent_by: "ann" },
  ]);
});

test("what names no letter, or two things, is wrong usage", async () => {
  for (const args of [[], ["orders-0-1", "--from", "x"], ["--from", "x", "--payload", "y"]]) {
    const { code, err } = await millrace("dead-letters", "resend", ...args);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining("resend takes the ID of a letter"),
    });
  }
  const missing = await millrace("dead-letters", "resend", "orders-0-1", "--payload", "nowhere");
  expect(missing.err).toContain("nowhere does not exist");
});
