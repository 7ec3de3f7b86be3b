import { setTimeout as sleep } from "node:timers/promises";
import { testServer, uniqueName } from "../../infra/servers/test-servers.ts";
import { RestCatalog } from "../../lakehouse/adapters/rest/index.ts";
import { S3ObjectStore } from "../../lakehouse/adapters/s3/index.ts";
import { TrinoQueryEngine } from "../../lakehouse/adapters/trino/index.ts";
import type { Catalog } from "../../lakehouse/index.ts";
import { TestApi } from "../server/api.fixture.ts";
import type { ApiConfig } from "../server/config.ts";
import { answersContract } from "./answers.contract.ts";
import { connectionsContract } from "./connections.contract.ts";
import { deadLettersContract } from "./dead-letters.contract.ts";
import { detectorsContract } from "./detectors.contract.ts";
import { ordersContract } from "./orders.contract.ts";
import { predictionsContract } from "./predictions.contract.ts";
import { productsContract } from "./products.contract.ts";

async function start(config: Partial<ApiConfig> = {}): Promise<TestApi> {
  const trino = await testServer("trino");
  const { uri } = await testServer("catalog");
  const { endpoint, region, bucket, ...credentials } = await testServer("minio");
  const environment = { clock: Date.now, sleep: (ms: number) => sleep(ms), random: Math.random };
  const prefix = uniqueName("answers");
  const namespacePrefix = `${prefix.replaceAll("-", "_")}_`;
  const catalog = withPrefix(new RestCatalog({ uri, ...environment }), namespacePrefix);
  const objectStore = new S3ObjectStore({ endpoint, region, bucket, prefix, credentials, ...environment });
  const { url: server, user, catalog: trinoCatalog } = trino;
  const connection = { server, user, trinoCatalog, namespacePrefix };
  const engine = new TrinoQueryEngine({ ...connection, ...environment, catalog });
  return TestApi.start(config, () => ({ catalog, objectStore, engine }));
}

answersContract("Trino", start);
connectionsContract("Trino", start);
ordersContract("Trino", start);
predictionsContract("Trino", start);
productsContract("Trino", start);
detectorsContract("Trino", start);

/** The tables of this test in namespaces of their own: the server is every test's. */
function withPrefix(catalog: Catalog, prefix: string): Catalog {
  return {
    load: (table) => catalog.load(`${prefix}${table}`),
    commit: (table, commit) => catalog.commit(`${prefix}${table}`, commit),
    list: (namespace) => catalog.list(`${prefix}${namespace}`),
  };
}
deadLettersContract("Trino", start);
