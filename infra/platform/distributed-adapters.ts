import { type CatalogAuth, RestCatalog } from "../../lakehouse/adapters/rest/index.ts";
import { S3ObjectStore } from "../../lakehouse/adapters/s3/index.ts";
import {
  maintainTablesByTrino,
  type TrinoConnection,
  TrinoQueryEngine,
} from "../../lakehouse/adapters/trino/index.ts";
import { KafkaAlertBus, KafkaEventLog } from "../../stream/adapters/kafka/index.ts";
import { RedisHotStore } from "../../stream/adapters/redis/index.ts";
import { type Config, readAuthorities } from "../config/index.ts";
import { withRegistrySchemas } from "../registry/with-registry-schemas.ts";
import { kafkaConnection } from "../topics/kafka-connection.ts";
import { type Adapters, preparedCheckpoints, retryEnvironment } from "./adapters.ts";
import type { ServerCheck } from "./await-servers.ts";
import { lakeTables, lakeViews } from "./lake-tables.ts";
import { createPrefixedLog } from "./prefixed-log.ts";
import { WorkerGroup } from "./worker-group.ts";

/** All ports on servers; the client libraries of the distributed mode are loaded with this module. */
export function openDistributedAdapters(
  config: Config,
  clock: () => number,
  warn: (message: string) => void,
): Adapters {
  const { log, schemaSource } = openLog(config, clock, warn);
  const hotStore = new RedisHotStore({
    url: config.redisUrl,
    isCluster: config.redisCluster,
    ...(config.redisCaFile !== "" && { authorities: readAuthorities("redisCaFile", config) }),
    keyPrefix: config.redisPrefix,
    random,
  });
  const objects = openObjects(config);
  const catalog = openCatalog(config, clock);
  const alertBus = new KafkaAlertBus(log);
  const workers = new WorkerGroup(config);
  const objectStore = `the object store at ${config.s3Endpoint || config.s3Region}`;
  const checks: ServerCheck[] = [
    { server: `Kafka at ${config.kafkaBrokers.join(", ")}`, run: () => log.topics() },
    { server: objectStore, run: () => objects.check() },
    { server: `the catalog at ${config.catalogUri}`, run: () => catalog.check() },
    { server: "Redis", run: () => hotStore.check() },
  ];
  return {
    log,
    schemas: schemaSource.schemas,
    schemaSource,
    hotStore,
    alertBus,
    objects,
    catalog,
    views: catalog.views,
    openQueryEngine: (limits) =>
      new TrinoQueryEngine({ ...trinoConnection(config), catalog, views: lakeViews, ...limits }),
    ownedPartitions: () => workers.ownedPartitions(),
    maintainLake: async ({ signal }) =>
      maintainTablesByTrino(lakeTables, {
        ...trinoConnection(config),
        catalog,
        prepared: await preparedCheckpoints(objects),
        ...(signal && { signal }),
      }),
    checks,
    writerChecks: [{ server: objectStore, run: () => objects.checkConditions() }],
    async close() {
      workers.close();
      await alertBus.close();
      await hotStore.close();
      await log.close();
      await objects.close();
    },
  };
}

const { sleep, random } = retryEnvironment;

function openObjects(config: Config): S3ObjectStore {
  return new S3ObjectStore({
    region: config.s3Region,
    bucket: config.s3Bucket,
    prefix: config.s3Prefix,
    pathStyle: config.s3PathStyle,
    ...(config.s3Endpoint !== "" && { endpoint: config.s3Endpoint }),
    ...(config.s3AccessKeyId !== "" && {
      credentials: { accessKeyId: config.s3AccessKeyId, secretAccessKey: config.s3SecretAccessKey },
    }),
    sleep,
    random,
  });
}

function openCatalog(config: Config, clock: () => number): RestCatalog {
  return new RestCatalog({
    uri: config.catalogUri,
    ...(config.catalogWarehouse !== "" && { warehouse: config.catalogWarehouse }),
    ...(config.catalogPrefix !== "" && { prefix: config.catalogPrefix }),
    auth: catalogAuth(config),
    clock,
    sleep,
    random,
  });
}

function catalogAuth(config: Config): CatalogAuth {
  const { catalogToken: token, catalogCredential, catalogOauthUri, catalogOauthScope: scope } = config;
  if (token !== "") return { kind: "bearer", token };
  if (catalogCredential === "") return { kind: "none" };
  const colon = catalogCredential.indexOf(":");
  return {
    kind: "client-credentials",
    clientId: catalogCredential.slice(0, colon),
    clientSecret: catalogCredential.slice(colon + 1),
    scope,
    ...(catalogOauthUri !== "" && { tokenUri: catalogOauthUri }),
  };
}

function openLog(config: Config, clock: () => number, warn: (message: string) => void) {
  const log = new KafkaEventLog({
    connection: { ...kafkaConnection(config), clientId: "millrace", brokers: config.kafkaBrokers },
    clock,
    warn: ({ message }) => warn(message),
    replicationFactor: config.kafkaReplication,
    producersTopic: `${config.kafkaTopicPrefix}millrace-producers`,
  });
  return withRegistrySchemas(createPrefixedLog(log, config.kafkaTopicPrefix), config, {
    sleep,
    random,
    clock,
    warn,
  });
}

function trinoConnection(config: Config): TrinoConnection {
  return {
    server: config.trinoUrl,
    user: config.trinoUser,
    ...(config.trinoPassword !== "" && { password: config.trinoPassword }),
    trinoCatalog: config.trinoCatalog,
    sleep,
    random,
  };
}
