import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../stream/adapters/testing.ts";
import { batchOf, readRecords } from "../../stream/ports/event-log.contract.ts";
import { hotBatchOf } from "../../stream/sinks/hot-batch-writer.ts";
import type { Config } from "../config/index.ts";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { Installer, serversCache } from "../servers/installer.ts";
import { kafka as kafkaSpec } from "../servers/kafka.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import { uniqueName } from "../servers/test-servers.ts";
import { java, toolPath } from "../servers/tools.ts";
import { KafkaTopicAdmin } from "../topics/kafka-topic-admin.ts";
import { type Adapters, openAdapters } from "./adapters.ts";

const run = promisify(execFile);
const USER = "shop";
const PASSWORD = "open sesame";
const REDIS_PASSWORD = "open-sesame";
/** An address at which nothing listens, for servers that are not asked for anything. */
const NOWHERE = "127.0.0.1:1";

/** Kafka with SASL and TLS, and Redis with a password and TLS, whose certificates an authority of our own has signed. */
describe("a platform on servers that want TLS and a password", () => {
  const folder = freshFolder("secure");
  const file = (name: string) => join(folder, name);
  const opened: Adapters[] = [];
  let kafka: PrivateServer<"kafka">;
  let redis: PrivateServer<"redis">;
  let settings: Partial<Config>;

  beforeAll(async () => {
    await makeCertificates(folder);
    const [kafkaPort, redisPort] = [await freePort(), await freePort()];
    kafka = await startPrivateServer("kafka", {
      settings: (port) => secureListener(port, kafkaPort, folder),
    });
    await addScramUser(kafka.endpoint.bootstrap);
    redis = await startPrivateServer("redis", {
      settings: () => [
        ...[
          "--tls-port",
          String(redisPort),
          "--tls-auth-clients",
          "no",
          "--tls-ca-cert-file",
          file("ca.pem"),
        ],
        ...["--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key")],
        ...["--user", USER, "on", `>${REDIS_PASSWORD}`, "~*", "&*", "+@all"],
      ],
    });
    settings = {
      mode: "distributed",
      kafkaBrokers: [`localhost:${kafkaPort}`],
      kafkaReplication: 1,
      kafkaSsl: true,
      kafkaCaFile: file("ca.pem"),
      kafkaSaslMechanism: "scram-sha-512",
      kafkaSaslUsername: USER,
      kafkaSaslPassword: PASSWORD,
      redisUrl: `rediss://${USER}:${REDIS_PASSWORD}@localhost:${redisPort}`,
      redisCaFile: file("ca.pem"),
      catalogUri: `http://${NOWHERE}`,
      trinoUrl: `http://${NOWHERE}`,
      s3Bucket: "none",
    };
  });
  afterAll(async () => {
    for (const adapters of opened) await adapters.close();
    await kafka?.remove();
    await redis?.remove();
    removeFolder(folder);
  });

  async function open(flags: Partial<Config> = {}): Promise<Adapters> {
    const adapters = await openAdapters(configWith(flags), Date.now);
    opened.push(adapters);
    return adapters;
  }

  const configWith = (flags: Partial<Config>) => scenarioConfig("unused", { ...settings, ...flags });

  it.each(["plain", "scram-sha-256", "scram-sha-512"] as const)(
    "appends and reads through Kafka as a user of %s",
    async (kafkaSaslMechanism) => {
      const { log, ownedPartitions } = await open({ kafkaSaslMechanism });
      const name = uniqueName("secure");
      await log.createTopics([{ name, partitions: 1, retentionMs: null, retentionBytes: null }]);
      const values = Array.from({ length: 500 }, (_, i) => `value ${i}`);
      await log.append([batchOf(name, 0, values)]);
      const records = await readRecords(await log.reader(name, 0, 0), values.length);
      expect(records.map(({ value }) => value)).toEqual(values);
      expect(await ownedPartitions()).toEqual([]);
      const admin = await KafkaTopicAdmin.open(configWith({ kafkaSaslMechanism }));
      await admin.close();
    },
  );

  it("keeps hot values in Redis", async () => {
    const { hotStore } = await open();
    await hotStore.putMany(hotBatchOf("scores", { u1: "1" }, 60_000));
    expect(await hotStore.get("scores", "u1")).toBe("1");
  });

  const kafkaCheck = async (flags: Partial<Config>): Promise<unknown> => {
    const { checks } = await open(flags);
    return checks[0].run().catch((error: unknown) => error);
  };

  it.each(["plain", "scram-sha-256", "scram-sha-512"] as const)(
    "says that a wrong password of %s is not taken, at once and without showing it",
    async (kafkaSaslMechanism) => {
      const error = await kafkaCheck({ kafkaSaslMechanism, kafkaSaslPassword: "not-to-be-shown" });
      expect(error).toMatchObject({ code: "kafka-auth-failed", origin: "user", retry: false });
      expect((error as Error).message).toMatch(/localhost.*credentials.*check mechanism, user and password/s);
      expect((error as Error).message).not.toContain("not-to-be-shown");
      const config = configWith({ kafkaSaslMechanism, kafkaSaslPassword: "not-to-be-shown" });
      await expect(KafkaTopicAdmin.open(config)).rejects.toMatchObject({
        code: "kafka-credentials",
        message: expect.stringContaining(`refuses user ${USER}`) as string,
      });
    },
  );

  it("says which setting names the authority where the brokers' is not known", async () => {
    const error = await kafkaCheck({ kafkaCaFile: "" });
    expect(error).toMatchObject({ code: "kafka-tls-failed", origin: "user", retry: false });
    expect((error as Error).message).toMatch(/certificate.*localhost.*kafkaCaFile/s);
    await expect(KafkaTopicAdmin.open(configWith({ kafkaCaFile: "" }))).rejects.toMatchObject({
      code: "kafka-tls-failed",
      message: expect.stringContaining("kafkaCaFile") as string,
    });
  });

  it("says so where Kafka speaks no TLS at the port", async () => {
    const error = await kafkaCheck({ kafkaBrokers: [kafka.endpoint.bootstrap] });
    expect(error).toMatchObject({ code: "kafka-tls-failed", retry: false });
    expect((error as Error).message).toMatch(/no TLS.*kafkaSsl/s);
  });

  it("says what is wrong with the authorities' file", async () => {
    await expect(open({ kafkaCaFile: file("absent.pem") })).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringMatching(/MILLRACE_KAFKA_CA_FILE.*absent.pem.*cannot be read/) as string,
    });
    await expect(open({ redisCaFile: file("server.key") })).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringMatching(/MILLRACE_REDIS_CA_FILE.*no certificate/) as string,
    });
  });

  it.each([
    [
      "a wrong password",
      (url: string) => ({ redisUrl: url.replace("sesame", "barley") }),
      "hot-store-denied",
    ],
    ["an authority that is not known", () => ({ redisCaFile: "" }), "hot-store-tls-failed"],
    [
      "a port without TLS",
      (url: string) => ({ redisUrl: url.replace(/@.*/, `@${new URL(redis.endpoint.url).host}`) }),
      // It answers nothing to what it does not understand.
      "hot-store-unreachable",
    ],
  ] as const)("says what to do about %s of Redis", async (_, flagsFor, code) => {
    const { checks } = await open(flagsFor(settings.redisUrl ?? ""));
    const error = await checks[3].run().catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code, retry: code === "hot-store-unreachable" });
    expect((error as Error).message).toMatch(/check user name|redisCaFile|rediss:/);
    expect((error as Error).message).not.toContain("barley");
  });
});

/** `ca.pem`, and for localhost `server.pem`, `server.key` and both together as Kafka takes them. */
async function makeCertificates(folder: string): Promise<void> {
  writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const days = ["-days", "2"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", ...days);
  await openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
  await openssl("x509", "-req", "-in", "server.csr", ...authority, "-out", "server.pem", ...days);
  await run("sh", ["-c", "cat server.key server.pem > server.both"], { cwd: folder });
}

/** Beside the listener in the clear, over which the broker talks to itself. */
function secureListener(port: number, securePort: number, folder: string): string[] {
  const login = (mechanism: string, module: string, users = "") =>
    `listener.name.secure.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${module} required${users};`;
  const scram = "scram.ScramLoginModule";
  return [
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1},SECURE://127.0.0.1:${securePort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port},SECURE://localhost:${securePort}`,
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
    "listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    login("plain", "plain.PlainLoginModule", ` user_${USER}="${PASSWORD}"`),
    login("scram-sha-256", scram),
    login("scram-sha-512", scram),
    "listener.name.secure.ssl.keystore.type=PEM",
    `listener.name.secure.ssl.keystore.location=${join(folder, "server.both")}`,
  ];
}

/** One mechanism at a time: Kafka takes one change of a user in a request. */
async function addScramUser(bootstrap: string): Promise<void> {
  const jars = join(await kafkaSpec.install(new Installer(serversCache(), () => undefined)), "*");
  for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    await run(await toolPath(java), [
      ...["-Xmx128m", "-cp", jars, "kafka.admin.ConfigCommand", "--bootstrap-server", bootstrap],
      ...["--alter", "--entity-type", "users", "--entity-name", USER],
      ...["--add-config", `${mechanism}=[password=${PASSWORD}]`],
    ]);
  }
}
