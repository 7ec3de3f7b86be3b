import { type SessionScorerPlugin, sessionScorers } from "../../ml/index.ts";
import { MillraceError } from "../../schema/index.ts";

/** The plugins that learn from the lake's events. */
export const TRAINED_PLUGINS: readonly string[] = sessionScorers.map(({ name }) => name);

/** The plugin of that name; throws code `unknown-plugin`. */
export function trainedPlugin(name: string): SessionScorerPlugin {
  const plugin = sessionScorers.find((candidate) => candidate.name === name);
  if (plugin !== undefined) return plugin;
  throw new MillraceError(
    `no plugin "${name}" is trained on the lake: use one of ${TRAINED_PLUGINS.join(", ")}.`,
    { code: "unknown-plugin", origin: "user" },
  );
}
