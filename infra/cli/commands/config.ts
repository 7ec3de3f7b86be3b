import type { Command } from "commander";
import { environmentName, type SettingKey, shownConfig, unknownVariables } from "../../config/index.ts";
import type { CliIo } from "../cli-io.ts";
import { loadedConfigOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

export function registerConfig(program: Command, io: CliIo): void {
  const config = program.command("config").description("show or check the configuration in force");
  withSettings(config.command("print"))
    .description("print every setting, its value and where it comes from")
    .option("--json", "one JSON document: the values")
    .action((options: Record<string, unknown>) => {
      const loaded = loadedConfigOf(options, io);
      const shown = shownConfig(loaded.config);
      if (options.json === true) {
        io.out(`${JSON.stringify(shown, null, 2)}\n`);
        return;
      }
      const rows = (Object.keys(shown) as SettingKey[]).map((key) => [
        key,
        String(shown[key]),
        loaded.origins[key],
        environmentName(key),
      ]);
      io.out(textTable([["setting", "value", "from", "environment"], ...rows], ""));
    });
  withSettings(config.command("check"))
    .description("check file, environment and flags; names every problem at once")
    .option("--json", "one JSON document")
    .action((options: Record<string, unknown>) => {
      const { file } = loadedConfigOf(options, io);
      const unknown = unknownVariables(io.environment);
      if (options.json === true) {
        io.out(`${JSON.stringify({ valid: true, file, unknownVariables: unknown })}\n`);
        return;
      }
      for (const name of unknown) io.err(`${name} is no setting: it changes nothing\n`);
      io.out(`The configuration is valid (${file ?? "no configuration file"}).\n`);
    });
}
