import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { installJars } from "./maven.ts";
import { tcpAnswer } from "./probes.ts";
import type { Instance, ServerSpec } from "./server-spec.ts";
import { java, maven, toolPath } from "./tools.ts";

const VERSION = "4.1.2";
const HEAP = "512m";
const QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn";

/** Metadata (key 3, version 4) of no topics, from a client without a name: asks for the brokers alone. */
const BROKERS_REQUEST = Buffer.from(
  "0000000f 0003 0004 00000001 ffff 00000000 00".replaceAll(" ", ""),
  "hex",
);
/** After size, correlation id and throttle time. */
const BROKERS_OFFSET = 12;

/** One broker that is its own controller (KRaft). It creates no topics by itself. */
export const kafka: ServerSpec<"kafka"> = {
  name: "kafka",
  title: "Kafka",
  version: VERSION,
  port: { default: 19_092, environment: "MILLRACE_KAFKA_PORT", test: 92, count: 2 },
  needs: [],
  tools: { install: [maven], run: [java] },
  installTakes: "half a minute, 54 MB",
  startMsMax: 180_000,
  install: (installer) =>
    installJars(installer, "kafka", [
      `org.apache.kafka:kafka_2.13:${VERSION}`,
      `org.apache.kafka:kafka-tools:${VERSION}`,
      "org.slf4j:slf4j-simple:1.7.36",
    ]),
  async prepare(instance) {
    const properties = propertiesFile(instance);
    await mkdir(instance.folder, { recursive: true });
    await writeFile(properties, serverProperties(instance));
    if (existsSync(join(dataFolder(instance), "meta.properties"))) return;
    // A kill while formatting leaves a folder without the file, or with all of it.
    const format = [
      "kafka.tools.StorageTool",
      "format",
      "--ignore-formatted",
      "-t",
      clusterId(),
      "-c",
      properties,
    ];
    await promisify(execFile)(await toolPath(java), [
      "-Xmx128m",
      QUIET,
      "-cp",
      classPath(instance),
      ...format,
    ]);
  },
  async launch(instance) {
    const args = ["-Xms256m", `-Xmx${HEAP}`, "-XX:+UseG1GC", QUIET, "-cp", classPath(instance)];
    return { command: await toolPath(java), args: [...args, "kafka.Kafka", propertiesFile(instance)] };
  },
  // The port is open before the broker may lead partitions; only then it stands in the list.
  isReady: async ({ port }) => (await tcpAnswer(port, BROKERS_REQUEST)).readInt32BE(BROKERS_OFFSET) > 0,
  endpoint: ({ port }) => ({ bootstrap: `127.0.0.1:${port}` }),
};

const classPath = ({ installed }: Instance) => join(installed, "*");
const propertiesFile = ({ folder }: Instance) => join(folder, "server.properties");
const dataFolder = ({ folder }: Instance) => join(folder, "data");

/**
 * Replication factors of one, since there is one broker; no waiting for further members of a group, and
 * dead ones are noticed sooner than brokers allow by default.
 */
function serverProperties(instance: Instance): string {
  const broker = `127.0.0.1:${instance.port}`;
  const controller = `127.0.0.1:${instance.port + 1}`;
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${controller}
listeners=PLAINTEXT://${broker},CONTROLLER://${controller}
advertised.listeners=PLAINTEXT://${broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=${dataFolder(instance)}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
${(instance.settings ?? []).join("\n")}
`;
}

/** 16 random bytes. The first bit is 0, so that the text does not begin with `-`: the tool would take it for an option. */
function clusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] as number) & 0x7f;
  return bytes.toString("base64url");
}
