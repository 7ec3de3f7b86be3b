import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { CONFIG_FILE, type Config, environmentName, type SettingKey } from "../../config/index.ts";
import { connectionSettings, localServers } from "../../servers/local-servers.ts";
import type { ServerGroup, ServerStatus } from "../../servers/server-group.ts";
import type { ServerName } from "../../servers/server-spec.ts";
import { platformServers, serverNames, specs, withNeeded } from "../../servers/specs.ts";
import { makeDataFolder } from "../../tools/make-folder.ts";
import type { CliIo } from "../cli-io.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface ServersOptions extends Readonly<Record<string, unknown>> {
  readonly data?: string;
  readonly json?: boolean;
}

export function registerServers(program: Command, io: CliIo): void {
  const servers = program
    .command("servers")
    .description("install, start and stop the servers of the distributed mode on this machine")
    .addHelpText("after", `\n${overview()}`);
  const verb = (name: string, description: string): Command =>
    servers
      .command(name)
      .description(description)
      .argument("[names...]", `of: ${serverNames.join(", ")}`, collectName)
      .option("--data <folder>", "folder of their data (default: beside what is installed, in the cache)")
      .option("--json", "one JSON document on standard output");
  verb("install", "install them, and what they need, unless that is done").action(
    (names: readonly ServerName[], options: ServersOptions) => install(names, options, io),
  );
  withSettings(verb("start", "start them, and what they need; say how the platform finds them"))
    .addHelpText(
      "after",
      `
Without names: ${platformServers.join(", ")}.
The settings also go into HOME/${CONFIG_FILE}, where \`millrace up --mode distributed\` finds them,
unless there is a file already.

Example:
  $ millrace servers start && millrace up --mode distributed`,
    )
    .action((names: readonly ServerName[], options: ServersOptions) => start(names, options, io));
  verb("status", "show process, port, memory, and whether they do their work").action(
    (names: readonly ServerName[], options: ServersOptions) => status(names, options, io),
  );
  verb("stop", "stop them, after those that need them; their data stays").action(
    (names: readonly ServerName[], options: ServersOptions) => stop(names, options, io),
  );
}

async function install(names: readonly ServerName[], options: ServersOptions, io: CliIo): Promise<void> {
  const group = groupOf(options, io);
  const wanted = withNeeded(orAll(names, platformServers));
  await group.checkTools(wanted);
  await group.install(wanted);
  if (options.json === true) io.out(`${JSON.stringify({ installed: wanted })}\n`);
  else io.out(`Installed: ${wanted.join(", ")}.\n`);
}

async function start(names: readonly ServerName[], options: ServersOptions, io: CliIo): Promise<void> {
  const { home } = configOf(options, io);
  const group = groupOf(options, io);
  const wanted = withNeeded(orAll(names, platformServers));
  await group.checkTools(wanted);
  await group.install(wanted);
  await group.start(wanted);
  const found = connectionSettings(group, await runningIn(group));
  const environment = environmentOf(found);
  const file = writeSettings(home, group, found, io);
  if (options.json === true) {
    io.out(`${JSON.stringify({ servers: await group.status(wanted), environment, file })}\n`);
    return;
  }
  for (const [name, value] of Object.entries(environment)) io.out(`export ${name}='${value}'\n`);
}

async function status(names: readonly ServerName[], options: ServersOptions, io: CliIo): Promise<void> {
  const found = await groupOf(options, io).status(orAll(names, serverNames));
  io.out(options.json === true ? `${JSON.stringify({ servers: found })}\n` : statusTable(found));
}

async function stop(names: readonly ServerName[], options: ServersOptions, io: CliIo): Promise<void> {
  const stopped = await groupOf(options, io).stop(orAll(names, serverNames));
  if (options.json === true) io.out(`${JSON.stringify({ stopped })}\n`);
  else io.out(stopped.length === 0 ? "None was running.\n" : `Stopped: ${stopped.join(", ")}.\n`);
}

function groupOf({ data }: ServersOptions, io: CliIo): ServerGroup {
  return localServers({
    data: data === undefined ? undefined : resolve(io.folder, data),
    environment: io.environment,
    say: (line) => io.err(`${line}\n`),
  });
}

async function runningIn(group: ServerGroup): Promise<ServerName[]> {
  return (await group.status(serverNames)).filter(({ pid }) => pid !== null).map(({ name }) => name);
}

function environmentOf(found: Partial<Config>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(found).map(([key, value]) => [environmentName(key as SettingKey), String(value)]),
  );
}

/**
 * Puts the settings where commands look for them, and returns the file. One that says more than where
 * servers are is somebody's own: it stays, and null is returned.
 */
function writeSettings(home: string, group: ServerGroup, found: Partial<Config>, io: CliIo): string | null {
  const usual = [join(io.folder, CONFIG_FILE), join(home, CONFIG_FILE)];
  const file = usual.find((path) => existsSync(path)) ?? usual[1];
  const earlier: Partial<Config> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const ours = new Set(Object.keys(connectionSettings(group, serverNames)));
  if (!Object.keys(earlier).every((key) => ours.has(key))) {
    io.err(`${file} has settings of its own and stays as it is: set the variables, or put them there.\n`);
    return null;
  }
  makeDataFolder(home);
  writeFileSync(file, `${JSON.stringify({ ...earlier, ...found }, null, 2)}\n`, { mode: 0o600 });
  io.err(`The settings are in ${file}: millrace up --mode distributed\n`);
  return file;
}

function statusTable(found: readonly ServerStatus[]): string {
  const rows = found.map(({ title, version, pid, port, memoryMiB, ready }) => {
    const state = ready ? "ready" : pid === null ? "not running" : "running, not ready";
    return [title, version, state, String(port), pid === null ? "-" : String(pid), memoryMiB ?? "-"];
  });
  return textTable([["server", "version", "state", "port", "process", "memory (MiB)"], ...rows], "");
}

function orAll(names: readonly ServerName[], all: readonly ServerName[]): readonly ServerName[] {
  return names.length > 0 ? names : all;
}

function collectName(name: string, earlier: ServerName[] | undefined): ServerName[] {
  const known = serverNames.find((candidate) => candidate === name);
  if (known === undefined) {
    throw new InvalidArgumentError(`There is no server ${name}; there are ${serverNames.join(", ")}.`);
  }
  return [...(earlier ?? []), known];
}

function overview(): string {
  const rows = serverNames.map((name) => {
    const { title, version, port, needs, installTakes } = specs[name];
    return [
      name,
      `${title} ${version}`,
      port.environment,
      String(port.default),
      needs.join(", "),
      installTakes,
    ];
  });
  const table = textTable([
    ["name", "server", "port variable", "port", "needs", "first installation"],
    ...rows,
  ]);
  return `Servers:\n${table}\nThey are installed once, into ~/.cache/millrace/servers (or MILLRACE_CACHE), and listen on this machine only.`;
}
