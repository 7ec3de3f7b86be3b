import { detectorSpecs } from "../../stream/index.ts";
import { readApiKeys } from "./api-keys.ts";
import { originProblems } from "./api-settings.ts";
import { environmentName } from "./setting.ts";
import type { Config, SettingKey } from "./settings.ts";
import { timeConfig } from "./time-config.ts";
import { webhookProblems } from "./webhook-settings.ts";

/** What contradicts between settings that are each valid; for a person, with what to do. */
export function crossProblems(config: Config): string[] {
  const distributed = config.mode === "distributed" ? missingServers(config) : embeddedProblems(config);
  const { problems } = readApiKeys(config.apiKeys);
  return [
    ...analyticsProblems(config),
    ...distributed,
    ...credentialProblems(config),
    ...problems,
    ...originProblems(config),
    ...webhookProblems(config),
  ];
}

function analyticsProblems(config: Config): string[] {
  const problems: string[] = [];
  if (config.pageViewsWindowMs % config.pageViewsAdvanceMs !== 0) {
    problems.push(
      `pageViewsWindowMs (${config.pageViewsWindowMs}) must be a multiple of pageViewsAdvanceMs (${config.pageViewsAdvanceMs})`,
    );
  }
  for (const key of ["flashSaleWindowMs", "popularWindowMs"] as const) {
    if (config[key] % 60_000 !== 0) problems.push(`${key} (${config[key]}) must be a multiple of 60000`);
  }
  if (config.propensityRearmBelow > config.propensityThreshold) {
    problems.push(
      `propensityRearmBelow (${config.propensityRearmBelow}) must not be above propensityThreshold (${config.propensityThreshold})`,
    );
  }
  for (const spec of detectorSpecs)
    problems.push(...(spec.problems?.(config as never, timeConfig(config)) ?? []));
  return problems;
}

function embeddedProblems(config: Config): string[] {
  return config.workers === 0
    ? ["workers must be at least 1 in embedded mode: no other process runs the tasks"]
    : [];
}

const SERVERS: readonly (readonly [SettingKey, string])[] = [
  ["kafkaBrokers", "the Kafka brokers, such as localhost:9092"],
  ["s3Bucket", "the bucket of the lake"],
  ["catalogUri", "the address of the Iceberg REST catalog, such as http://localhost:8181"],
  ["redisUrl", "the address of Redis, such as redis://localhost:6379"],
  ["trinoUrl", "the address of Trino, such as http://localhost:8080"],
];

function missingServers(config: Config): string[] {
  return SERVERS.filter(([key]) => config[key].toString() === "").map(
    ([key, what]) => `${key} is missing: in distributed mode set ${environmentName(key)} to ${what}`,
  );
}

function credentialProblems(config: Config): string[] {
  const problems: string[] = [];
  const together = (first: SettingKey, second: SettingKey): void => {
    if ((config[first] === "") === (config[second] === "")) return;
    const [given, absent] = config[first] === "" ? [second, first] : [first, second];
    problems.push(`${given} is set without ${absent}: set ${environmentName(absent)} too, or neither`);
  };
  const notBoth = (first: SettingKey, second: SettingKey): void => {
    if (config[first] !== "" && config[second] !== "")
      problems.push(`${first} and ${second} are both set: leave one of them out`);
  };
  together("kafkaSaslUsername", "kafkaSaslPassword");
  const named = config.kafkaSaslUsername !== "" || config.kafkaSaslPassword !== "";
  if (named && config.kafkaSaslMechanism === "none")
    problems.push("kafkaSaslUsername is set, but kafkaSaslMechanism is none: choose the broker's mechanism");
  if (!named && config.kafkaSaslMechanism !== "none")
    problems.push(
      `kafkaSaslMechanism ${config.kafkaSaslMechanism} needs kafkaSaslUsername and kafkaSaslPassword`,
    );
  if (config.kafkaCaFile !== "" && !config.kafkaSsl)
    problems.push("kafkaCaFile is set, but kafkaSsl is false: set it to true, or leave the file out");
  if (config.redisCaFile !== "" && !config.redisUrl.startsWith("rediss://"))
    problems.push("redisCaFile is set, but redisUrl does not begin with rediss://, which means TLS");
  together("s3AccessKeyId", "s3SecretAccessKey");
  if (/^\/|\/$/.test(config.s3Prefix))
    problems.push(`s3Prefix (${config.s3Prefix}) must not begin or end with /`);
  notBoth("catalogToken", "catalogCredential");
  if (config.catalogCredential !== "" && !/^[^:]+:.+$/.test(config.catalogCredential))
    problems.push("catalogCredential must have the form CLIENT_ID:CLIENT_SECRET");
  if (config.catalogOauthUri !== "" && config.catalogCredential === "")
    problems.push("catalogOauthUri is set without catalogCredential, for which it would give a token");
  if (config.trinoPassword !== "" && !config.trinoUrl.startsWith("https://"))
    problems.push(
      "trinoPassword is set, but trinoUrl does not begin with https://: Trino takes no password in the clear",
    );
  together("schemaRegistryUsername", "schemaRegistryPassword");
  notBoth("schemaRegistryUsername", "schemaRegistryToken");
  if (
    config.schemaRegistryUrl === "" &&
    (config.schemaRegistryUsername !== "" || config.schemaRegistryToken !== "")
  )
    problems.push("credentials for the schema registry are set without schemaRegistryUrl");
  return problems;
}
