import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fetchArtifact } from "./maven.ts";
import { http } from "./probes.ts";
import type { ServerSpec } from "./server-spec.ts";
import { java, maven, toolPath } from "./tools.ts";

/** The last one that runs on Java 17. */
const VERSION = "3.0.9";
const API = "/apis/ccompat/v7";

/** Apicurio, which speaks Confluent's interface. Schemas and their ids stay in a file of its folder. */
export const registry: ServerSpec<"registry"> = {
  name: "registry",
  title: "Schema registry (Apicurio)",
  version: VERSION,
  port: { default: 18_085, environment: "MILLRACE_REGISTRY_PORT", test: 85, count: 1 },
  needs: [],
  tools: { install: [maven], run: [java] },
  installTakes: "half a minute, 109 MB",
  startMsMax: 180_000,
  install: (installer) =>
    installer.once(`registry-${VERSION}`, async (folder) => {
      const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
      await fetchArtifact(installer, { title: "registry: fetching it with Maven", artifact, folder });
      const archive = join(folder, `apicurio-registry-app-${VERSION}-all.tar.gz`);
      await installer.step("registry: unpacking it", "tar", ["-xzf", archive, "-C", folder]);
      await rm(archive);
    }),
  async prepare({ folder }) {
    await mkdir(folder, { recursive: true });
  },
  async launch({ installed, folder, port }) {
    const jar = (await readdir(installed)).find(
      (name) => name.endsWith("-runner.jar") || name === "quarkus-run.jar",
    );
    return {
      command: await toolPath(java),
      args: [
        "-Xmx384m",
        `-Dquarkus.http.port=${port}`,
        "-Dquarkus.http.host=127.0.0.1",
        "-Dquarkus.log.level=WARN",
        "-Dapicurio.storage.sql.kind=h2",
        // Without it, what was answered half a second ago is not yet in the file when the process is killed.
        `-Dapicurio.datasource.url=jdbc:h2:file:${join(folder, "registry")};WRITE_DELAY=0`,
        "-jar",
        join(installed, jar ?? "quarkus-run.jar"),
      ],
    };
  },
  isReady: async ({ port }) => (await http(`http://127.0.0.1:${port}${API}/subjects`)).ok,
  endpoint: ({ port }) => ({ url: `http://127.0.0.1:${port}${API}` }),
};
