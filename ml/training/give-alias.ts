import { MillraceError } from "../../schema/index.ts";
import type { ServedPlugin } from "../plugin.ts";
import type { ModelCard } from "../registry/model-card.ts";
import { challengeWith, promoteModel } from "../registry/promote.ts";
import type { TrainPluginOptions } from "./train-plugin.ts";

/** Whether a version that was just published became champion. What it is refused as, it challenges. */
export async function giveAlias(
  plugin: ServedPlugin<{ readonly modelVersion: string }>,
  { version }: ModelCard,
  {
    registry,
    promote = "if-better",
    by,
    trainedAt: at,
    onProgress,
  }: Pick<TrainPluginOptions, "registry" | "promote" | "by" | "trainedAt" | "onProgress">,
): Promise<boolean> {
  if (promote === "never") return false;
  try {
    const reason =
      promote === "always" ? "trained, to be promoted in any case" : "trained, and past the gate";
    await promoteModel(registry, plugin, version, { by, reason, at, force: promote === "always" });
    return true;
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === "promotion-refused")) throw error;
    onProgress?.(error.message);
    await challengeWith(registry, plugin, version, { by, reason: error.message, at });
    return false;
  }
}
