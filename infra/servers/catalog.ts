import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installJars } from "./maven.ts";
import { http } from "./probes.ts";
import type { Instance, ServerSpec } from "./server-spec.ts";
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
  startMsMax: 180_000,
  install: (installer) =>
    installJars(installer, "catalog", [
      `org.apache.iceberg:iceberg-open-api:${ICEBERG}:test-fixtures`,
      `org.apache.iceberg:iceberg-core:${ICEBERG}`,
      `org.apache.iceberg:iceberg-core:${ICEBERG}:tests`,
      `org.apache.iceberg:iceberg-aws:${ICEBERG}`,
      `org.eclipse.jetty:jetty-server:${JETTY}`,
      `org.eclipse.jetty:jetty-servlet:${JETTY}`,
      `org.eclipse.jetty:jetty-xml:${JETTY}`,
      "org.xerial:sqlite-jdbc:3.50.3.0",
      "org.slf4j:slf4j-simple:2.0.17",
      ...["s3", "sts", "kms", "glue", "dynamodb", "url-connection-client", "apache-client"].map(
        (name) => `software.amazon.awssdk:${name}:${AWS}`,
      ),
      `org.apache.hadoop:hadoop-client-api:${HADOOP}`,
      `org.apache.hadoop:hadoop-client-runtime:${HADOOP}`,
    ]),
  async prepare(instance) {
    await mkdir(instance.folder, { recursive: true });
    await writeFile(configurationFile(instance), configuration(instance), { mode: 0o600 });
  },
  launch: async (instance) => ({
    command: await toolPath(java),
    args: [
      "-Xmx256m",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
      "-cp",
      join(instance.installed, "*"),
      "org.eclipse.jetty.xml.XmlConfiguration",
      configurationFile(instance),
    ],
  }),
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

const configurationFile = ({ folder }: Instance) => join(folder, "catalog.xml");

/**
 * The fixture's own main program listens on every interface. Jetty can put the same parts together from
 * a file instead, here for this machine only.
 */
function configuration({ folder, port, endpoint }: Instance): string {
  const { endpoint: s3, region, accessKeyId, secretAccessKey, bucket } = endpoint("minio");
  const properties = {
    "catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
    uri: `jdbc:sqlite:${join(folder, "catalog.db")}`,
    "jdbc.schema-version": "V1",
    clients: "1",
    warehouse: warehouse(bucket),
    "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    "s3.endpoint": s3,
    "s3.path-style-access": "true",
    "s3.access-key-id": accessKeyId,
    "s3.secret-access-key": secretAccessKey,
    "client.region": region,
  };
  const entries = Object.entries(properties).map(
    ([key, value]) => `<Entry><Item>${key}</Item><Item>${escaped(value)}</Item></Entry>`,
  );
  const catalog = `<Call class="org.apache.iceberg.CatalogUtil" name="buildIcebergCatalog">
      <Arg>millrace</Arg>
      <Arg><Map>${entries.join("\n        ")}</Map></Arg>
      <Arg><New class="org.apache.hadoop.conf.Configuration"/></Arg>
    </Call>`;
  const servlet = [
    "org.apache.iceberg.rest.RESTCatalogAdapter",
    "org.apache.iceberg.rest.RESTCatalogServlet",
    "org.eclipse.jetty.servlet.ServletHolder",
  ].reduce((inner, outer) => `<New class="${outer}"><Arg>${inner}</Arg></New>`, catalog);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "https://www.eclipse.org/jetty/configure_10_0.dtd">
<Configure id="server" class="org.eclipse.jetty.server.Server">
  <Call name="addConnector"><Arg>
    <New class="org.eclipse.jetty.server.ServerConnector">
      <Arg><Ref refid="server"/></Arg>
      <Set name="host">127.0.0.1</Set>
      <Set name="port">${port}</Set>
    </New>
  </Arg></Call>
  <Set name="handler"><New class="org.eclipse.jetty.servlet.ServletContextHandler">
    <Call name="addServlet">
      <Arg>${servlet}</Arg>
      <Arg>/*</Arg>
    </Call>
  </New></Set>
</Configure>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
