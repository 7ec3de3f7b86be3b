import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { installJars } from "./maven.ts";
import { REGION } from "./minio.ts";
import { http } from "./probes.ts";
import type { ServerSpec } from "./server-spec.ts";
import { java, maven, toolPath } from "./tools.ts";

const ICEBERG = "1.10.1";
const JETTY = "11.0.26";
const AWS = "2.33.0";
const HADOOP = "3.4.1";

/**
 * The REST catalog that the Iceberg project publishes for testing clients. It keeps its pointers in an
 * SQLite file, through one connection, since SQLite lets one writer in at a time.
 */
export const catalog: ServerSpec<"catalog"> = {
  name: "catalog",
  title: "Iceberg REST catalog",
  version: ICEBERG,
  port: { default: 18_181, environment: "MILLRACE_CATALOG_PORT", test: 181, count: 1 },
  needs: ["minio"],
  tools: { install: [maven], run: [java] },
  installTakes: "half a minute, 110 MB",
  startMsMax: 60_000,
  install: (installer) =>
    installJars(installer, "catalog", [
      `org.apache.iceberg:iceberg-open-api:${ICEBERG}:test-fixtures`,
      `org.apache.iceberg:iceberg-core:${ICEBERG}`,
      `org.apache.iceberg:iceberg-core:${ICEBERG}:tests`,
      `org.apache.iceberg:iceberg-aws:${ICEBERG}`,
      `org.eclipse.jetty:jetty-server:${JETTY}`,
      `org.eclipse.jetty:jetty-servlet:${JETTY}`,
      "org.xerial:sqlite-jdbc:3.50.3.0",
      "org.slf4j:slf4j-simple:2.0.17",
      ...["s3", "sts", "kms", "glue", "dynamodb", "url-connection-client", "apache-client"].map(
        (name) => `software.amazon.awssdk:${name}:${AWS}`,
      ),
      `org.apache.hadoop:hadoop-client-api:${HADOOP}`,
      `org.apache.hadoop:hadoop-client-runtime:${HADOOP}`,
    ]),
  async prepare({ folder }) {
    await mkdir(folder, { recursive: true });
  },
  async launch({ installed, folder, port, endpoint }) {
    const { endpoint: s3, accessKeyId, secretAccessKey, bucket } = endpoint("minio");
    return {
      command: await toolPath(java),
      args: [
        "-Xmx256m",
        `-Drest.port=${port}`,
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        join(installed, "*"),
        "org.apache.iceberg.rest.RESTCatalogServer",
      ],
      // It makes properties of these: CATALOG_A__B_C is a-b.c.
      environment: {
        CATALOG_CATALOG_NAME: "millrace",
        CATALOG_URI: `jdbc:sqlite:${join(folder, "catalog.db")}`,
        CATALOG_CLIENTS: "1",
        CATALOG_WAREHOUSE: warehouse(bucket),
        CATALOG_IO__IMPL: "org.apache.iceberg.aws.s3.S3FileIO",
        CATALOG_S3_ENDPOINT: s3,
        CATALOG_S3_PATH__STYLE__ACCESS: "true",
        CATALOG_S3_ACCESS__KEY__ID: accessKeyId,
        CATALOG_S3_SECRET__ACCESS__KEY: secretAccessKey,
        CATALOG_CLIENT_REGION: REGION,
        AWS_REGION: REGION,
        CATALOG_REST_PORT: String(port),
      },
    };
  },
  // Listing asks its database, the configuration does not.
  isReady: async ({ port }) => (await http(`http://127.0.0.1:${port}/v1/namespaces`)).ok,
  endpoint: ({ port, endpoint }) => ({
    uri: `http://127.0.0.1:${port}`,
    warehouse: warehouse(endpoint("minio").bucket),
  }),
};

function warehouse(bucket: string): string {
  return `s3://${bucket}/warehouse`;
}
