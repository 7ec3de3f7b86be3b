import type { Command } from "commander";
import { contractVersions, MillraceError } from "../../../schema/index.ts";
import {
  checkContracts,
  type RegisteredContract,
  registerContracts,
} from "../../registry/contract-subjects.ts";
import { SchemaRegistry } from "../../registry/schema-registry.ts";
import { type CliIo, ReportedFailure } from "../cli-io.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

export function registerSchemas(program: Command, io: CliIo): void {
  const schemas = program
    .command("schemas")
    .description("register and check the event contracts at the schema registry");
  withSettings(schemas.command("register"), ["schemaRegistryUrl"])
    .description("register what is missing as TOPIC-value, with backward transitive compatibility")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      "\nExample:\n  $ millrace schemas register --schema-registry-url http://localhost:8081",
    )
    .action((options: Record<string, unknown>) => run(options, io, registerContracts));
  withSettings(schemas.command("check"), ["schemaRegistryUrl"])
    .description("compare the registry with the contracts; exit code 1 where it differs")
    .option("--json", "one JSON document on standard output")
    .action((options: Record<string, unknown>) => run(options, io, checkContracts));
}

async function run(
  options: Record<string, unknown>,
  io: CliIo,
  what: typeof registerContracts,
): Promise<void> {
  const config = configOf(options, io);
  if (config.schemaRegistryUrl === "") {
    throw new MillraceError(
      "no schema registry is configured: set MILLRACE_SCHEMA_REGISTRY_URL, such as http://localhost:8081",
      { code: "config-invalid", origin: "user" },
    );
  }
  const results = await what(new SchemaRegistry(config), contractVersions, config.kafkaTopicPrefix);
  if (options.json === true)
    io.out(`${JSON.stringify({ registry: config.schemaRegistryUrl, contracts: results })}\n`);
  else io.out(textTable([["subject", "contract", "id", "state"], ...results.map(row)], ""));
  const problems = results.filter(({ problem }) => problem !== null).length;
  if (problems > 0)
    throw new ReportedFailure(`${problems} contracts are not in the registry as they should be`);
}

function row({ subject, contract, version, id, isNew, problem }: RegisteredContract) {
  return [
    subject,
    `${contract} version ${version}`,
    id ?? "none",
    problem ?? (isNew ? "registered" : "there"),
  ];
}
