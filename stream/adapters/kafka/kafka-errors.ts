import { MillraceError, type MillraceErrorOptions, TLS_FAILURES } from "../../../schema/index.ts";

/** An error of Kafka or on the way to it. */
export class KafkaError extends MillraceError {
  /** Name in the protocol's list of errors (`NOT_LEADER_FOR_PARTITION`), or kafkajs' name of the error. */
  readonly kind: string;

  constructor(message: string, options: MillraceErrorOptions & { readonly kind: string }) {
    super(message, options);
    this.kind = options.kind;
  }
}

/** What an answer says about the way to the broker, not about the request. */
const CONNECTION_LOST = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSLockTimeout",
  "KafkaJSBrokerNotFound",
  "KafkaJSMetadataNotLoaded",
  "KafkaJSTimeout",
  "NETWORK_EXCEPTION",
]);

/** The answer is from a node that does not lead the partition or the coordinator (any more). */
const STALE = new Set([
  "NOT_LEADER_FOR_PARTITION",
  "LEADER_NOT_AVAILABLE",
  "REPLICA_NOT_AVAILABLE",
  "BROKER_NOT_AVAILABLE",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "NOT_COORDINATOR_FOR_GROUP",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_CONTROLLER",
]);

const TRY_AGAIN = new Set([
  "REQUEST_TIMED_OUT",
  "GROUP_LOAD_IN_PROGRESS",
  "CONCURRENT_TRANSACTIONS",
  "NOT_ENOUGH_REPLICAS",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  "KAFKA_STORAGE_ERROR",
  "OFFSET_NOT_AVAILABLE",
  // Damaged on its way: what is sent again is whole.
  "CORRUPT_MESSAGE",
  "UNSTABLE_OFFSET_COMMIT",
]);

const DENIED = new Set([
  "TOPIC_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
]);

const FENCED = new Set(["INVALID_PRODUCER_EPOCH", "TRANSACTION_COORDINATOR_FENCED"]);

export function isConnectionLost(error: unknown): boolean {
  return error instanceof KafkaError && CONNECTION_LOST.has(error.kind);
}

export function isStale(error: unknown): boolean {
  return error instanceof KafkaError && STALE.has(error.kind);
}

/** What kafkajs or a broker said, as our error; `what` is the subject: `appending to orders[3]`. */
export function asKafkaError(error: unknown, what: string, brokers: readonly string[]): MillraceError {
  if (error instanceof MillraceError) return error;
  const { kind, message } = rootOf(error);
  const where = brokers.join(", ");
  const fail = (text: string, options: Omit<MillraceErrorOptions, "cause">): KafkaError =>
    new KafkaError(`${what}: ${text}`, { ...options, kind, cause: error });
  if (kind === "UNKNOWN_TOPIC_OR_PARTITION" || kind === "INVALID_TOPIC_EXCEPTION")
    return fail("the topic or partition is not on Kafka; create it first", {
      code: "unknown-topic",
      origin: "user",
    });
  if (kind.includes("SASL") || kind === "SECURITY_DISABLED")
    return fail(
      `Kafka at ${where} does not accept the credentials (${message}); check mechanism, user and password`,
      {
        code: "kafka-auth-failed",
        origin: "user",
      },
    );
  if (DENIED.has(kind))
    return fail(`Kafka denies it (${message}); grant the user access`, {
      code: "kafka-access-denied",
      origin: "user",
    });
  if (FENCED.has(kind))
    return fail(
      "another process has taken over this producer, or its transaction took longer than Kafka lets it; this one must stop writing",
      { code: "producer-fenced", origin: "external" },
    );
  if (kind === "MESSAGE_TOO_LARGE" || kind === "RECORD_LIST_TOO_LARGE")
    return fail("a record batch is larger than the topic takes; raise its max.message.bytes", {
      code: "record-too-large",
      origin: "user",
    });
  if (kind === "INVALID_SESSION_TIMEOUT")
    return fail(
      "the brokers do not take the session time-out; raise it (kafkaSessionTimeoutMs), or lower their group.min.session.timeout.ms",
      {
        code: "kafka-session-timeout-refused",
        origin: "user",
      },
    );
  if (kind === "INCONSISTENT_GROUP_PROTOCOL")
    return fail(
      "programs of another kind are members of this consumer group; end them, or give the workers a group of their own (kafkaGroup)",
      { code: "kafka-group-taken", origin: "user" },
    );
  const tls = tlsFailureText(message, brokers);
  if (tls !== null) return fail(tls, { code: "kafka-tls-failed", origin: "user" });
  if (CONNECTION_LOST.has(kind))
    return fail(
      `Kafka at ${where} cannot be reached (${message}); check that it runs, that the address is right, and whether it wants TLS`,
      {
        code: "kafka-unreachable",
        origin: "external",
        retry: true,
      },
    );
  if (kind === "GROUP_COORDINATOR_NOT_AVAILABLE")
    return fail(
      `Kafka at ${where} is up, but none of its brokers coordinates groups or transactions yet: a new one first makes its topics for that, which takes seconds; where it stays so, offsets.topic.replication.factor and transaction.state.log.replication.factor ask for more brokers than there are`,
      { code: "kafka-starting", origin: "external", retry: true },
    );
  const retry = STALE.has(kind) || TRY_AGAIN.has(kind);
  return fail(message, { code: "kafka-failed", origin: "external", retry });
}

/** What to do about a failed TLS connection, where the message tells of one; else null. */
function tlsFailureText(message: string, brokers: readonly string[]): string | null {
  const where = brokers.join(", ");
  if (TLS_FAILURES.certificate.test(message))
    return `the certificate of Kafka at ${where} is not trusted (${message}); name its authority's in kafkaCaFile, and the broker as the certificate does`;
  if (TLS_FAILURES.noTls.test(message))
    return `Kafka at ${where} speaks no TLS there (${message}); take the port of its TLS listener, or set kafkaSsl to false`;
  return null;
}

/** kafkajs wraps errors in those of its retries; the innermost one says what happened. */
function rootOf(error: unknown): { kind: string; message: string } {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error && root.name.startsWith("KafkaJSN"))
    root = root.cause;
  if (!(root instanceof Error)) return { kind: "unknown", message: String(root) };
  const type = "type" in root && typeof root.type === "string" ? root.type : root.name;
  return { kind: type, message: root.message };
}
