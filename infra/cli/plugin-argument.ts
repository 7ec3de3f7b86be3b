import { type MlPlugin, mlPlugins } from "../../ml/index.ts";
import { MillraceError } from "../../schema/index.ts";

export const PLUGIN_NAMES: readonly string[] = mlPlugins.map(({ name }) => name);

/** The plugin of that name; throws code `unknown-plugin`. */
export function pluginNamed(name: string): MlPlugin {
  const plugin = mlPlugins.find((candidate) => candidate.name === name);
  if (plugin !== undefined) return plugin as MlPlugin;
  throw new MillraceError(`there is no plugin "${name}": use one of ${PLUGIN_NAMES.join(", ")}.`, {
    code: "unknown-plugin",
    origin: "user",
  });
}
