import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CliRun, runCli } from "./testing/run-cli.ts";

// What the command says and leaves behind; that the new platform is right is proved beside infra/replay/rescale.ts.

const MINUTE_MS = 60_000;
const PRODUCTS = ["p1", "p2", "p3"];

describe("millrace rescale", { timeout: 10 * MINUTE_MS }, () => {
  let folder: string;
  const at = (...names: string[]): string => join(folder, ...names);
  const run = (...args: string[]): Promise<CliRun> => runCli([...args, "--log-level", "error"], { folder });
  const rescale = (...args: string[]): Promise<CliRun> => run("rescale", "--home", "old", ...args, "--json");

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-rescale-"));
    await mkdir(at("old"));
    await writeFile(at("old", "millrace.config.json"), JSON.stringify({ checkpointIntervalMs: 500 }));
    expect(await produce(PRODUCTS)).toMatchObject({ code: 0 });
  }, 10 * MINUTE_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function produce(productIds: readonly string[], home = "old"): Promise<CliRun> {
    const products = productIds.map((productId) => ({
      eventId: `of-${productId}`,
      productId,
      updateTime: 1_767_225_600_000,
    }));
    const input = products.map((product) => `${JSON.stringify(product)}\n`).join("");
    return runCli(["produce", "products", "--home", home, "--log-level", "error"], { folder, input });
  }

  function expectRefusal({ code, out, err }: CliRun, expected: { code: string; message: RegExp }): void {
    const { error } = JSON.parse(out);
    expect(error.code).toBe(expected.code);
    expect(error.message).toMatch(expected.message);
    expect(code).toBe(["wrong-usage", "home-missing"].includes(expected.code) ? 2 : 1);
    expect(err).not.toMatch(/\n\s+at /);
  }

  it("refuses an old home that is not there, and makes none", async () => {
    const said = await rescale("--home", "odl", "--to", "3", "--into", "new");
    expectRefusal(said, { code: "home-missing", message: /there is no home at .*odl/ });
    expect([at("odl"), at("new")].filter(existsSync)).toEqual([]);
  });

  it("refuses a new home that is the old one, lies in it, or is a file", async () => {
    await writeFile(at("file"), "");
    const refused = { old: /is the home itself/, "old/lake": /lies in the home/, file: /is a file/ };
    for (const [into, message] of Object.entries(refused))
      expectRefusal(await rescale("--to", "3", "--into", into), { code: "wrong-usage", message });
  });

  it("refuses to spread nothing, and makes no new home", async () => {
    await run("topics", "apply", "--home", "empty");
    const said = await rescale("--home", "empty", "--to", "3", "--into", "new");
    expectRefusal(said, { code: "rescale-nothing", message: /has no records/ });
    expect(existsSync(at("new"))).toBe(false);
  });

  it("leaves a folder of somebody else's as it is", async () => {
    await mkdir(at("photos"));
    await writeFile(at("photos", "cat.jpg"), "cat");
    const said = await rescale("--to", "3", "--into", "photos");
    expectRefusal(said, { code: "rescale-target-taken", message: /photos has cat\.jpg/ });
    expect(await readdir(at("photos"))).toEqual(["cat.jpg"]);
  });

  it("goes on where it was interrupted while it processed, and tells how to start the new platform", async () => {
    const interrupted = rescale("--to", "3", "--into", "new");
    const filled = (): void => expect(existsSync(at("new", "rescale", "done.json"))).toBe(true);
    await vi.waitFor(filled, { timeout: 5 * MINUTE_MS, interval: 5 });
    process.emit("SIGINT");
    expectRefusal(await interrupted, { code: "interrupted", message: /the same command goes on in new/ });
    const told = await run("rescale", "--home", "old", "--to", "3", "--into", "new");
    const config = at("old", "millrace.config.json");
    expect(told).toMatchObject({
      code: 0,
      out: expect.stringContaining(`millrace up --home ${at("new")} --config ${config} --partitions 3\n`),
    });
    const query = ["query", "--home", "new", "--partitions", "3", "--format", "ndjson"];
    const { out } = await run(...query, "SELECT count(*)::INT AS products FROM bronze.products");
    expect(JSON.parse(out)).toEqual({ products: PRODUCTS.length });
    const other = await rescale("--to", "4", "--into", "new");
    expectRefusal(other, { code: "rescale-target-taken", message: /begun for 3 partitions, not 4/ });
  });

  it("makes a platform of the lake alone, where log and checkpoints are lost", async () => {
    for (const lost of ["log", "checkpoints"]) await rm(at("old", lost), { recursive: true });
    await run("topics", "apply", "--home", "old");
    const refused = await rescale("--to", "2", "--into", "rebuilt");
    expectRefusal(refused, { code: "lake-ahead", message: /which has no checkpoint.*Restore both/ });
    await rm(at("old", "log"), { recursive: true });
    const { code, out } = await rescale("--to", "2", "--into", "rebuilt", "--lake-only");
    expect({ code, records: JSON.parse(out).records }).toEqual({ code: 0, records: PRODUCTS.length });
    expect((await produce(["p4"], "rebuilt")).code).toBe(0);
    const event = { eventId: "e1", eventType: "page_view", eventTime: 1_767_225_600_000, userId: "u1" };
    await writeFile(at("one.ndjson"), JSON.stringify(event));
    const again = await run("replay", "ndjson", at("one.ndjson"), "--home", "rebuilt", "--wait");
    expect(again.code).toBe(0);
    const query = ["query", "--home", "rebuilt", "--format", "ndjson"];
    const rows = await run(...query, "SELECT count(*)::INT AS products FROM bronze.products");
    expect(JSON.parse(rows.out)).toEqual({ products: PRODUCTS.length + 1 });
  });
});
