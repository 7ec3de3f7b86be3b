import type { Command } from "commander";
import {
  type AliasChange,
  createModelRegistry,
  type GateResult,
  loadChampion,
  type ModelCard,
  type ModelRegistry,
  promoteModel,
  promotionGate,
  rollBackModel,
} from "../../../ml/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import type { CliIo } from "../cli-io.ts";
import { exportModel } from "../model-export.ts";
import { withPlatform } from "../platform-session.ts";
import { authorOf, SERVED_PLUGINS, servedPlugin } from "../plugin-argument.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface ModelsOptions extends Record<string, unknown> {
  readonly json?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
  readonly onnx?: string;
}

interface Call {
  readonly plugin: (typeof SERVED_PLUGINS)[number];
  readonly registry: ModelRegistry;
  readonly options: ModelsOptions;
  readonly io: CliIo;
}

/** What a subcommand found or did: as JSON, and as text. */
interface Answer {
  readonly json: object;
  readonly text: string;
}

const PLUGINS = SERVED_PLUGINS.map(({ name }) => name).join(", ");

export function registerModels(program: Command, io: CliIo): void {
  const models = program
    .command("models")
    .description("versions of the models, which of them scores, and who made it so");
  const add = (
    usage: string,
    description: string,
    answer: (call: Call, versions: string[]) => Promise<Answer>,
  ) =>
    withSettings(models.command(usage))
      .description(description)
      .option("--json", "one JSON document on standard output")
      .action(async (...parameters: unknown[]) => {
        const [name, ...versions] = parameters.slice(0, -2).filter((p) => p !== undefined) as string[];
        const options = parameters.at(-2) as ModelsOptions;
        const plugin = servedPlugin(name);
        const { json, text } = await withPlatform(
          configOf(options, io),
          io,
          { runsWorkers: false },
          (platform) =>
            answer(
              { plugin, registry: createModelRegistry(platform.adapters.objects), options, io },
              versions,
            ),
        );
        io.out(options.json === true ? `${JSON.stringify(json)}\n` : text);
      });
  add("list <plugin>", `versions of a plugin (${PLUGINS}), and the changes of its aliases`, list);
  add("show <plugin> [version]", "the card of a version, by default the champion's", show);
  add(
    "promote <plugin> [version]",
    "make a version champion, by default the challenger, past the gate",
    promote,
  )
    .option("--force", "although the gate says no; the audit keeps it")
    .option("--reason <text>", "for the audit", "by hand");
  add(
    "rollback <plugin>",
    "back to the champion before; the built-in model is before the first",
    rollBack,
  ).option("--reason <text>", "for the audit", "by hand");
  add(
    "diff <plugin> <version> [other]",
    "two cards beside each other; the other one is the champion's",
    diff,
  );
  add(
    "export <plugin> [version]",
    "write a version as a file for other runtimes, by default the one that scores",
    exportVersion,
  ).requiredOption("--onnx <file>", "an ONNX file, which must not be there yet");
}

async function exportVersion({ plugin, registry, options, io }: Call, [version]: string[]): Promise<Answer> {
  const target = { folder: io.folder, file: options.onnx ?? "" };
  const exported = await exportModel(registry, plugin, version ?? null, target);
  return {
    json: exported,
    text: `  ${exported.plugin} ${exported.version}: ${exported.bytes} bytes in ${exported.file}\n`,
  };
}

async function list({ plugin, registry }: Call): Promise<Answer> {
  const versions = await registry.versions(plugin.name);
  const { cards, damaged } = await registry.cards(plugin.name, versions);
  const changes = await registry.aliasLog(plugin.name).readableChanges();
  const aliases = changes.at(-1)?.aliases ?? { champion: null, challenger: null };
  const metric = plugin.primaryMetric.name;
  const builtIn = plugin.defaultModel().version;
  const models = cards.map(({ version, trainedAt, rows, evaluation, scoreMicros }) => ({
    version,
    alias: version === aliases.champion ? "champion" : version === aliases.challenger ? "challenger" : null,
    trainedAt,
    trainRows: rows.train,
    [metric]: evaluation.metrics[metric]?.model ?? null,
    baseline: evaluation.metrics[metric]?.baseline ?? null,
    scoreMicros: scoreMicros ?? null,
  }));
  const rows = models.map((model) => Object.values(model).map((value) => cell(value)));
  const header = ["version", "alias", "trained", "rows", metric, "baseline", "µs a score"];
  const own = [builtIn, aliases.champion === null ? "champion" : "", "built in", "", "", "", ""];
  const problems = damaged.map(({ version, problem }) => ({ version, problem: problem.message }));
  const told = problems.map(({ version, problem }) => `  ${version} cannot be used: ${problem}\n`).join("");
  return {
    json: { plugin: plugin.name, aliases, builtIn, models, damaged: problems, changes },
    text: `${textTable([header, own, ...rows])}${told}\n${changes.map(changeLine).join("")}`,
  };
}

async function show(call: Call, [version]: string[]): Promise<Answer> {
  const card = await call.registry.card(call.plugin.name, version ?? (await champion(call)));
  return { json: card, text: `${JSON.stringify(card, null, 2)}\n` };
}

async function promote(call: Call, [named]: string[]): Promise<Answer> {
  const { plugin, registry, options, io } = call;
  const version = named ?? (await registry.aliasLog(plugin.name).newest())?.aliases.challenger;
  if (version === undefined || version === null) {
    throw new MillraceError(
      `${plugin.name} has no challenger to promote: name a version, as \`models list\` shows them`,
      {
        code: "model-missing",
        origin: "user",
      },
    );
  }
  const change = await promoteModel(registry, plugin, version, {
    by: authorOf(io),
    reason: options.reason ?? "",
    at: io.clock(),
    force: options.force === true,
  });
  return { json: change, text: `${changeLine(change)}${gateLines(change.gate)}` };
}

async function rollBack({ plugin, registry, options, io }: Call): Promise<Answer> {
  const author = { by: authorOf(io), reason: options.reason ?? "", at: io.clock() };
  const change = await rollBackModel(registry, plugin, author);
  return { json: change, text: changeLine(change) };
}

async function diff(call: Call, [version, named]: string[]): Promise<Answer> {
  const { plugin, registry } = call;
  const other = named ?? (await champion(call));
  if (version === other) throw nothingToCompare(plugin.name, version);
  const [one, two] = await Promise.all([version, other].map((name) => registry.card(plugin.name, name)));
  const metrics = Object.keys({ ...one.evaluation.metrics, ...two.evaluation.metrics }).map((metric) => {
    const [own, others] = [one, two].map((card) => card.evaluation.metrics[metric]?.model ?? null);
    return {
      metric,
      [version]: own,
      [other]: others,
      difference: own === null || others === null ? null : own - others,
    };
  });
  const features = {
    added: one.features.filter((feature) => !two.features.includes(feature)),
    removed: two.features.filter((feature) => !one.features.includes(feature)),
  };
  const facts = (["trainedAt", "codeRevision", "seed", "scoreMicros", "weightsSha256"] as const).map(
    (fact) => ({
      fact,
      [version]: one[fact] ?? null,
      [other]: two[fact] ?? null,
    }),
  );
  const sameRows = one.dataRange.cut === two.dataRange.cut && one.dataRange.to === two.dataRange.to;
  // Only what scores now is what the gate would hold it against.
  const { scorer } = await loadChampion(registry, plugin);
  const gate = scorer.modelVersion === other ? promotionGate(plugin, one, other) : null;
  const lines = [...facts, ...metrics].map((line) => Object.values(line).map((value) => cell(value)));
  const note = sameRows ? "" : "  Their figures are of other rows, so they do not compare.\n";
  return {
    json: { plugin: plugin.name, version, other, sameRows, facts, metrics, features, gate },
    text: `${textTable([["", version, other, "difference"], ...lines])}${note}  features added: ${features.added.join(", ") || "none"}; removed: ${features.removed.join(", ") || "none"}\n${gateLines(gate)}`,
  };
}

async function champion({ plugin, registry }: Call): Promise<ModelCard["version"]> {
  const version = (await registry.aliasLog(plugin.name).newest())?.aliases.champion ?? null;
  if (version !== null) return version;
  throw new MillraceError(
    `${plugin.name} has no champion, its built-in model scores and has no card: name a version, as \`models list\` shows them`,
    { code: "model-missing", origin: "user" },
  );
}

function nothingToCompare(plugin: string, version: string): MillraceError {
  return new MillraceError(
    `${plugin} ${version} would be compared with itself: name another version beside it, as \`models list\` shows them`,
    { code: "wrong-usage", origin: "user" },
  );
}

function changeLine({ sequence, at, by, action, alias, from, to, reason, forced }: AliasChange): string {
  const how = forced ? `${action}, forced` : action;
  return `  ${sequence}  ${at}  ${by}: ${alias} ${from ?? "built in"} → ${to ?? "built in"} (${how}; ${reason})\n`;
}

function gateLines(gate: GateResult | null): string {
  if (gate === null) return "";
  return gate.checks
    .map(({ name, passed, detail }) => `  ${passed ? "passed" : "failed"}  ${name}: ${detail}\n`)
    .join("");
}

function cell(value: unknown): string | number {
  if (value === null) return "";
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(4);
  return String(value);
}
