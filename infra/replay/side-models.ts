import type { ObjectStore } from "../../lakehouse/index.ts";
import { createModelRegistry, isServed, type ModelRegistry, mlPlugins } from "../../ml/index.ts";

/**
 * Makes the registry of a side home name the champions of `registry`, or of a plugin in `versions` that
 * version: what scores there is what is asked about, whatever is promoted meanwhile. Plugins without a
 * champion go on with their built-in model. A repeat changes nothing.
 * Rejects with code `model-missing` or `model-corrupt` for a version that cannot be read.
 */
export async function copyModels(
  registry: ModelRegistry,
  side: ObjectStore,
  options: { readonly versions: Readonly<Record<string, string>>; readonly at: number },
): Promise<void> {
  const target = createModelRegistry(side);
  for (const { name } of mlPlugins.filter(isServed)) {
    const asked = options.versions[name];
    const version = asked ?? (await registry.aliasLog(name).newest())?.aliases.champion ?? null;
    if (version === null) continue;
    const { card, weights } = await registry.get(name, version);
    await target.publish(card, weights);
    await target.aliasLog(name).append(options.at, ({ champion }) =>
      champion === version
        ? null
        : {
            action: "promote",
            alias: "champion",
            to: version,
            by: "replay",
            reason: "replay",
            forced: false,
            gate: null,
          },
    );
  }
}
