import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_RULES } from "../../stream/index.ts";
import { runCli } from "./testing/run-cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-rules-"));
  await millrace("topics", "apply");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const millrace = (...args: string[]) =>
  runCli([...args, "--home", "home"], { folder, environment: { USER: "ann" } });
const json = async (...args: string[]) => JSON.parse((await millrace(...args, "--json")).out);

/** Runs the pipeline until what the log holds is published. */
async function runPipeline(): Promise<void> {
  const event = { eventId: "e", eventType: "page_view", eventTime: Date.UTC(2026, 0, 1), userId: "u" };
  const file = join(folder, "one.ndjson");
  await writeFile(file, JSON.stringify(event));
  const { code, err } = await millrace("replay", "ndjson", file, "--wait");
  expect(code, err).toBe(0);
}

test("rules are changed while all runs, and the record says who changed what, from what to what", async () => {
  const amount = DEFAULT_RULES.find(({ id }) => id === "order-amount");
  const rule = { ...amount, totalMinorMin: 7 };
  await writeFile(join(folder, "rules.json"), JSON.stringify({ rules: [rule] }));
  const from = "2026-01-31T12:00:00.000Z";
  expect(await json("rules", "set", "rules.json", "--from", from, "--reason", "a test")).toEqual({
    changed: ["order-amount"],
    effectiveTime: from,
  });
  await json("rules", "off", "night-order");
  await runPipeline();

  const { changes } = await json("rules", "history");
  expect(changes).toMatchObject([
    {
      ruleId: "order-amount",
      version: 2,
      changedBy: "ann",
      reason: "a test",
      effectiveTime: Date.parse(from),
      from: amount,
      to: rule,
    },
    { ruleId: "night-order", version: 2, reason: null, to: null },
  ]);
  const { rules, versions } = await json("rules", "list");
  expect(rules).toHaveLength(DEFAULT_RULES.length - 1);
  expect(rules.find(({ id }: { id: string }) => id === "order-amount")).toEqual(rule);
  expect(versions.find(({ id }: { id: string }) => id === "night-order")).toMatchObject({
    version: 2,
    isOff: true,
  });
  const text = (await millrace("rules", "list")).out;
  expect(text).toMatch(/order-amount@2 .*totalMinorMin 7.* ann, from 2026-01-31/);
  expect((await millrace("rules", "history")).out).toMatch(
    /night-order@2 by ann.*no reason given\n.*\n {2}→ off/,
  );
}, 60_000);

test("a file with rules that are none is refused with all that is wrong, and changes nothing", async () => {
  await writeFile(
    join(folder, "bad.json"),
    '{"rules":[{"id":"x","kind":"velocity","of":"shoe","severity":"high"}]}',
  );
  const { code, err } = await millrace("rules", "set", "bad.json");
  expect(code).toBe(1);
  expect(err).toMatch(/of must be one of user, device, card, address, it is "shoe"/);
  await writeFile(join(folder, "no.json"), "{");
  expect((await millrace("rules", "set", "no.json")).err).toMatch(/no.json is no JSON/);
  expect((await millrace("rules", "off", "x", "--from", "soon")).err).toMatch(/--from takes a time/);
});

test("only rules that there are are switched off, and one that was set a moment ago is", async () => {
  const unknown = await millrace("rules", "off", "night-orders");
  expect(unknown.code).toBe(1);
  expect(unknown.err).toMatch(/There is no rule "night-orders"\. There are: .*night-order/);
  const rule = { ...DEFAULT_RULES.find(({ id }) => id === "order-amount"), id: "just-set" };
  await writeFile(join(folder, "own.json"), JSON.stringify({ rules: [rule] }));
  await json("rules", "set", "own.json");
  expect(await json("rules", "off", "just-set")).toMatchObject({ changed: ["just-set"] });
  const { changes } = await json("rules", "history");
  expect(JSON.stringify(changes)).not.toContain("night-orders");
}, 60_000);
