import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { installJava25, java25, java25Path } from "./jdk25.ts";
import { fetchArtifact } from "./maven.ts";
import { http } from "./probes.ts";
import type { Instance, ServerSpec } from "./server-spec.ts";
import { maven } from "./tools.ts";

const VERSION = "476";
const HEAP = "1g";
/** Catalogs of generated data and of tables in memory come along; the lake is Iceberg. */
const PLUGINS = ["iceberg", "tpch", "memory"];
const CATALOG = "lake";
const USER = "millrace";

/** One node that coordinates and works, with the lake as its catalog. */
export const trino: ServerSpec<"trino"> = {
  name: "trino",
  title: "Trino",
  version: VERSION,
  port: { default: 18_080, environment: "MILLRACE_TRINO_PORT", test: 80, count: 1 },
  needs: ["minio", "catalog"],
  tools: { install: [maven], run: [java25] },
  installTakes: "2 minutes, 821 MB to fetch",
  startMsMax: 280_000,
  async install(installer) {
    await installJava25(installer);
    return installer.once(`trino-${VERSION}`, async (folder) => {
      const title = "trino: fetching it with Maven (821 MB)";
      await fetchArtifact(installer, { title, artifact: `io.trino:trino-server:${VERSION}:tar.gz`, folder });
      const archive = join(folder, `trino-server-${VERSION}.tar.gz`);
      const unpack = ["-xzf", archive, "-C", folder, "--strip-components=1"];
      // Plugins share jars by hard links, so all is unpacked first.
      await installer.step("trino: unpacking it", "tar", unpack);
      await rm(archive);
      for (const plugin of await readdir(join(folder, "plugin"))) {
        if (!PLUGINS.includes(plugin)) await rm(join(folder, "plugin", plugin), { recursive: true });
      }
    });
  },
  async prepare(instance) {
    const { folder } = instance;
    await mkdir(join(folder, "catalog"), { recursive: true });
    await writeFile(join(folder, "config.properties"), serverProperties(instance));
    await writeFile(join(folder, "log.properties"), "io.trino=WARN\n");
    await writeFile(join(folder, "catalog", `${CATALOG}.properties`), lakeProperties(instance));
    for (const name of ["tpch", "memory"]) {
      await writeFile(join(folder, "catalog", `${name}.properties`), `connector.name=${name}\n`);
    }
  },
  launch: async ({ installed, folder }) => ({
    command: await java25Path(dirname(installed)),
    args: [
      `-Xmx${HEAP}`,
      "-XX:TieredStopAtLevel=1",
      "-XX:+UseG1GC",
      "-XX:G1HeapRegionSize=16M",
      "-XX:+ExitOnOutOfMemoryError",
      "-XX:ReservedCodeCacheSize=256M",
      "-XX:-OmitStackTraceInFastThrow",
      "-XX:+EnableDynamicAgentLoading",
      "-Djdk.attach.allowAttachSelf=true",
      "-Djdk.nio.maxCachedBufferSize=2000000",
      "-Dfile.encoding=UTF-8",
      "--enable-native-access=ALL-UNNAMED",
      "--add-modules=jdk.incubator.vector",
      "-Dnode.environment=local",
      "-Dnode.id=local-1",
      `-Dnode.data-dir=${join(folder, "data")}`,
      `-Dconfig=${join(folder, "config.properties")}`,
      `-Dlog.levels-file=${join(folder, "log.properties")}`,
      "-cp",
      join(installed, "lib", "*"),
      "io.trino.server.TrinoServer",
    ],
  }),
  // It says that it has started some seconds before it has a worker: what a query needs one for tells.
  isReady: ({ port }) => answers(port, "SELECT count(*) FROM tpch.tiny.region"),
  endpoint: ({ port }) => ({ url: `http://127.0.0.1:${port}`, catalog: CATALOG, user: USER }),
};

/** Runs a query to its end; false where it fails. */
async function answers(port: number, sql: string): Promise<boolean> {
  const headers = { "X-Trino-User": USER };
  const first = await http(`http://127.0.0.1:${port}/v1/statement`, { method: "POST", body: sql, headers });
  let page = (await first.json()) as { readonly nextUri?: string; readonly error?: unknown };
  while (page.nextUri !== undefined) {
    page = (await (await http(page.nextUri, { headers })).json()) as typeof page;
  }
  return page.error === undefined;
}

function serverProperties({ installed, folder, port }: Instance): string {
  return `coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port=${port}
discovery.uri=http://127.0.0.1:${port}
node.internal-address=127.0.0.1
node.bind-ip=127.0.0.1
plugin.dir=${join(installed, "plugin")}
catalog.config-dir=${join(folder, "catalog")}
query.max-memory=400MB
query.max-memory-per-node=300MB
memory.heap-headroom-per-node=300MB
`;
}

function lakeProperties({ endpoint }: Instance): string {
  const { endpoint: s3, region, accessKeyId, secretAccessKey } = endpoint("minio");
  return `connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri=${endpoint("catalog").uri}
iceberg.file-format=PARQUET
fs.native-s3.enabled=true
s3.endpoint=${s3}
s3.region=${region}
s3.path-style-access=true
s3.aws-access-key=${accessKeyId}
s3.aws-secret-key=${secretAccessKey}
`;
}
