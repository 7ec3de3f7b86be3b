import type { Command } from "commander";
import type { Config } from "../../config/index.ts";
import { type DeclaredTopic, declaredTopics } from "../../topics/declared-topics.ts";
import { KafkaTopicAdmin } from "../../topics/kafka-topic-admin.ts";
import { LogTopicAdmin } from "../../topics/log-topic-admin.ts";
import {
  applyTopics,
  differencesOf,
  type TopicAdmin,
  type TopicDifference,
} from "../../topics/topic-admin.ts";
import { type CliIo, ReportedFailure } from "../cli-io.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

export function registerTopics(program: Command, io: CliIo): void {
  const topics = program
    .command("topics")
    .description("create and check the topics of infra/topics/topics.json");
  withSettings(topics.command("apply"), ["partitions", "kafkaBrokers", "kafkaReplication"])
    .description("create what is missing and set what differs; partitions are never added")
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  $ millrace topics apply --mode distributed")
    .action((options: Record<string, unknown>) => apply(options, io));
  withSettings(topics.command("check"), ["partitions", "kafkaBrokers", "kafkaReplication"])
    .description("compare the topics with what is declared; exit code 1 where they differ")
    .option("--json", "one JSON document on standard output")
    .action((options: Record<string, unknown>) => check(options, io));
}

async function apply(options: Record<string, unknown>, io: CliIo): Promise<void> {
  const { applied, differences } = await withTopics(options, io, { makesHome: true }, applyTopics);
  if (options.json === true) io.out(`${JSON.stringify({ applied, differences })}\n`);
  else {
    io.out(applied.length === 0 ? "Nothing to do.\n" : table("done", applied));
    if (differences.length > 0) io.out(`\n${table("what to do", differences)}`);
  }
  failOn(differences);
}

async function check(options: Record<string, unknown>, io: CliIo): Promise<void> {
  const differences = await withTopics(options, io, { makesHome: false }, differencesOf);
  if (options.json === true) io.out(`${JSON.stringify({ differences })}\n`);
  else io.out(differences.length === 0 ? "The topics are as declared.\n" : table("what to do", differences));
  failOn(differences);
}

async function withTopics<T>(
  options: Record<string, unknown>,
  io: CliIo,
  home: { readonly makesHome: boolean },
  use: (declared: readonly DeclaredTopic[], admin: TopicAdmin) => Promise<T>,
): Promise<T> {
  const config = configOf(options, io);
  const declared = declaredTopics(config).filter(({ only }) => only === null || only === config.mode);
  const admin = await openAdmin(config, io, home.makesHome);
  try {
    return await use(declared, admin);
  } finally {
    await admin.close();
  }
}

async function openAdmin(config: Config, io: CliIo, makesHome: boolean): Promise<TopicAdmin> {
  if (config.mode === "distributed") return KafkaTopicAdmin.open(config);
  return LogTopicAdmin.open(config.home, io.clock, { makesHome });
}

function table(last: string, differences: readonly TopicDifference[]): string {
  const rows = differences.map(({ topic, property, declared, found, advice }) => [
    topic,
    property,
    declared,
    found ?? "none",
    last === "done" ? "done" : advice,
  ]);
  return textTable([["topic", "what", "declared", "found", last], ...rows], "");
}

function failOn(differences: readonly TopicDifference[]): void {
  if (differences.length === 0) return;
  throw new ReportedFailure(`${differences.length} differences between the topics and their declaration`);
}
