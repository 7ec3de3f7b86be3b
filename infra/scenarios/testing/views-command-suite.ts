import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../cli/testing/run-cli.ts";
import type { Config } from "../../config/index.ts";
import { freshFolder, removeFolder } from "./scenario-home.ts";

/** `millrace views` on servers that have a lake. */
export function describeViewsCommand(lake: () => { readonly config: Config }): void {
  describe("millrace views", () => {
    const folder = freshFolder("views-command");
    beforeAll(() => writeFileSync(join(folder, "lake.config.json"), JSON.stringify(lake().config)));
    afterAll(() => removeFolder(folder));

    const run = (...args: string[]) => runCli(["views", ...args, "--config", "lake.config.json"], { folder });

    it("finds what up has made, tells of a view that is gone, and makes it again", async () => {
      expect(await run("check")).toMatchObject({ code: 0, out: "The views are as they should be.\n" });
      const view = `${lake().config.catalogUri}/v1/namespaces/gold/views/funnel_current`;
      expect((await fetch(view, { method: "DELETE" })).ok).toBe(true);
      const missing = { view: "gold.funnel_current", found: "none" };
      const { code, out } = await run("check", "--json");
      expect([code, JSON.parse(out)]).toEqual([1, { differences: [missing] }]);
      const applied = await run("apply", "--json");
      expect([applied.code, JSON.parse(applied.out)]).toEqual([0, { applied: [missing], left: [] }]);
      expect(await run("apply")).toMatchObject({ code: 0, out: "Nothing to do.\n" });
    });
  });
}
