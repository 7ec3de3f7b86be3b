import type {
  ChoiceSetting,
  ListSetting,
  SecretSetting,
  Setting,
  TextSetting,
  UrlSetting,
} from "../../schema/index.ts";

const group = "Distributed";

function text(value: string, doc: string): TextSetting {
  return { type: "text", group, default: value, doc };
}

function secret(doc: string): SecretSetting {
  return { type: "secret", group, default: "", doc };
}

function url(doc: string): UrlSetting {
  return { type: "url", group, default: "", schemes: ["http", "https"], credentials: false, doc };
}

function flag(value: boolean, doc: string) {
  return { type: "boolean", group, default: value, doc } as const;
}

const brokers: ListSetting = {
  type: "list",
  group,
  default: [],
  pattern: /^(\[[0-9a-fA-F:]+\]|[^\s:@/]+):\d{1,5}$/,
  form: "HOST:PORT, separated by commas",
  doc: "Kafka brokers to begin with; required in distributed mode.",
};

const saslMechanisms: ChoiceSetting<"none" | "plain" | "scram-sha-256" | "scram-sha-512"> = {
  type: "choice",
  group,
  choices: ["none", "plain", "scram-sha-256", "scram-sha-512"],
  default: "none",
  doc: "How clients prove who they are to Kafka.",
};

const redisAddress: UrlSetting = {
  type: "url",
  group,
  default: "",
  schemes: ["redis", "rediss"],
  credentials: true,
  doc: "redis://[USER:PASSWORD@]HOST:PORT[/DB], rediss:// with TLS; required in distributed mode.",
};

const AUTHORITIES =
  "PEM file with the certificates of the authorities that are trusted; without one, those that Node knows, and NODE_EXTRA_CA_CERTS names.";

const lostInputs: ChoiceSetting<"stop" | "skip"> = {
  type: "choice",
  group,
  choices: ["stop", "skip"],
  default: "stop",
  doc: "What a task does whose next records are gone from Kafka (retention dropped them before they were processed, or the topic was deleted and made again): stop, until somebody has decided, or skip them: the log says so, `millrace status` and the metric `millrace_lost_records_total` count them. To be set for one start, not for good.",
};

/** Where the servers of the distributed mode are, and with what credentials they are reached. */
export const distributedSettings = {
  kafkaBrokers: brokers,
  kafkaSsl: flag(false, "TLS to Kafka."),
  kafkaCaFile: text("", `Of kafkaSsl: ${AUTHORITIES}`),
  kafkaSaslMechanism: saslMechanisms,
  kafkaSaslUsername: text("", "User name for SASL."),
  kafkaSaslPassword: secret("Password for SASL."),
  kafkaGroup: text("millrace", "Consumer group of the workers: those with one name share the tasks."),
  kafkaSessionTimeoutMs: {
    type: "integer",
    unit: "ms",
    group,
    default: 6_000,
    min: 1_000,
    max: 600_000,
    doc: "Silence after which a worker counts as dead and its tasks move on; not below the brokers' group.min.session.timeout.ms (6000 unless set; `millrace servers` and docker-compose.yml set 1000, and 2500 here).",
  },
  kafkaReplication: {
    type: "integer",
    unit: null,
    group,
    default: 3,
    min: 1,
    max: 32,
    doc: "Copies of each topic that `millrace topics apply` creates; at most as many as there are brokers.",
  },
  lostInput: lostInputs,
  stopWithinMs: {
    type: "integer",
    unit: "ms",
    group,
    default: 12_000,
    min: 1_000,
    max: 600_000,
    doc: "Time that a process which is asked to stop gives its tasks for a last checkpoint, where servers are slow or down. Nothing is lost behind it: whoever takes the tasks over goes on from the checkpoint before. Keep it below the time after which a supervisor kills.",
  },
  kafkaTopicPrefix: text("", "Put before the name of every topic, for several platforms on one Kafka."),

  s3Endpoint: url("Object store other than Amazon's, such as MinIO."),
  s3Region: text("us-east-1", "Region of the bucket."),
  s3Bucket: text("", "Bucket of the lake, checkpoints and models; required in distributed mode."),
  s3Prefix: text("", "Put before every key in the bucket, without a slash at its ends."),
  s3AccessKeyId: text("", "Access key; without it, the usual chain of the AWS SDK finds credentials."),
  s3SecretAccessKey: secret("Secret of the access key."),
  s3PathStyle: flag(false, "The bucket stands in the path instead of the host name; MinIO needs it."),

  catalogUri: url("Iceberg REST catalog, without /v1; required in distributed mode."),
  catalogWarehouse: text("", "Warehouse that the catalog is asked for; empty takes its default."),
  catalogPrefix: text("", "Path prefix after /v1; empty takes what the catalog's own configuration says."),
  catalogToken: secret("Bearer token for the catalog, as it stands."),
  catalogCredential: secret(
    "CLIENT_ID:CLIENT_SECRET, for which the catalog's OAuth2 end point gives a token.",
  ),
  catalogOauthUri: url("OAuth2 token end point; without it, that of the catalog: /v1/oauth/tokens."),
  catalogOauthScope: text("catalog", "Scope that is asked for with catalogCredential."),

  redisUrl: redisAddress,
  redisCaFile: text("", `Of rediss://: ${AUTHORITIES}`),
  redisCluster: flag(false, "The address is a node of a Redis Cluster; the others are asked for."),
  redisPrefix: text("millrace", "First part of every key in Redis."),

  trinoUrl: url("Trino coordinator; required in distributed mode."),
  trinoUser: text("millrace", "User name of queries."),
  trinoPassword: secret("Password of the user; Trino takes one over https:// only."),
  trinoCatalog: text("iceberg", "Trino's name of the catalog that holds the lake."),

  schemaRegistryUrl: url(
    "Schema registry with Confluent's interface; without one, Avro schema ids are the contracts' own.",
  ),
  schemaRegistryUsername: text("", "User name for the registry (basic authentication)."),
  schemaRegistryPassword: secret("Password of that user."),
  schemaRegistryToken: secret("Bearer token for the registry, instead of user name and password."),
} as const satisfies Record<string, Setting>;
