import type { KafkaConfig, SASLOptions } from "kafkajs";
import { MillraceError, TLS_FAILURES } from "../../schema/index.ts";
import { type Config, readAuthorities } from "../config/index.ts";

/** How Kafka is reached, in kafkajs' terms; kafkajs itself is not loaded here. */
export function kafkaConnection(config: Config): KafkaConfig {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config;
  const sasl = { mechanism, username, password } as SASLOptions;
  return {
    brokers: [...config.kafkaBrokers],
    clientId: "millrace",
    ssl: config.kafkaCaFile === "" ? config.kafkaSsl : { ca: [readAuthorities("kafkaCaFile", config)] },
    ...(mechanism === "none" ? {} : { sasl }),
  };
}

/** What failed at Kafka, with what to do; names no credentials. */
export function kafkaError(error: unknown, doing: string, config: Config): MillraceError {
  if (error instanceof MillraceError) return error;
  const message = messageOf(error);
  const name = error instanceof Error ? error.name : "";
  const where = config.kafkaBrokers.join(", ");
  if (name === "KafkaJSSASLAuthenticationError") {
    return new MillraceError(
      `${doing}: Kafka at ${where} refuses user ${config.kafkaSaslUsername}: ${message}; check kafkaSaslMechanism, kafkaSaslUsername and kafkaSaslPassword`,
      { code: "kafka-credentials", origin: "user", cause: error },
    );
  }
  if (Object.values(TLS_FAILURES).some((pattern) => pattern.test(message))) {
    return new MillraceError(
      `${doing}: no TLS connection to Kafka at ${where}: ${message}; check kafkaSsl, kafkaCaFile and the port in kafkaBrokers`,
      { code: "kafka-tls-failed", origin: "user", cause: error },
    );
  }
  const unreachable = /^KafkaJS(Connection|NumberOfRetriesExceeded|RequestTimeout|BrokerNotFound)/.test(name);
  if (unreachable) {
    return new MillraceError(
      `${doing}: Kafka at ${where} does not answer: ${message}; check that it runs and that kafkaBrokers is right`,
      { code: "kafka-unreachable", origin: "external", retry: true, cause: error },
    );
  }
  return new MillraceError(`${doing}: Kafka at ${where} says: ${message}`, {
    code: "kafka-refused",
    origin: "external",
    cause: error,
  });
}

/** kafkajs hides what it refuses by topic behind one general message. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts = "errors" in error && Array.isArray(error.errors) ? error.errors : [];
  return parts.length === 0 ? error.message : [...new Set(parts.map(messageOf))].join("; ");
}
