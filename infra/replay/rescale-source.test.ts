import { afterAll, expect, it } from "vitest";
import { endOfInput } from "../../stream/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { producedEnds } from "../platform/input-ends.ts";
import { PANE_TOPIC, platformTopics } from "../platform/topics.ts";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { assertNothingCame } from "./rescale-source.ts";

const folder = freshFolder("rescale-source");
afterAll(() => removeFolder(folder));

it("tells which topic got records since, other than what tasks send to each other", async () => {
  const { log, close } = openEmbeddedAdapters(folder, Date.now);
  try {
    await log.createTopics(platformTopics(scenarioConfig(folder, { partitions: 2 })));
    await log.append([endOfInput("orders", 0)]);
    const ends = await producedEnds(log, 2);
    await log.append([endOfInput(PANE_TOPIC, 0)]);
    await expect(assertNothingCame(log, ends)).resolves.toBeUndefined();
    await log.append([endOfInput("orders", 1)]);
    await expect(assertNothingCame(log, ends)).rejects.toMatchObject({
      code: "rescale-source-grew",
      message: expect.stringContaining("partition 1 of orders, from offset 0 on") as string,
    });
  } finally {
    await close();
  }
});
