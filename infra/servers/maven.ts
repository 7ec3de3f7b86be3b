import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Installer } from "./installer.ts";
import { maven, toolPath } from "./tools.ts";

/** `group:artifact:version`, and what else Maven needs to know, after colons. */
export type Coordinates = string;

/** Short text that changes with the parts, for the name of an installation. */
export function fingerprint(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 10);
}

/** A folder of the cache with the jars of these artifacts and all that they need to run. */
export function installJars(
  installer: Installer,
  name: string,
  artifacts: readonly Coordinates[],
): Promise<string> {
  return installer.once(`${name}-${fingerprint(artifacts)}`, async (folder) => {
    await writeFile(join(folder, "pom.xml"), projectModel(name, artifacts));
    await installer.step(
      `${name}: fetching its jars with Maven`,
      await toolPath(maven),
      ["-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${folder}`],
      { cwd: folder },
    );
  });
}

/** Puts the file of one artifact (`group:artifact:version:type`, with `:classifier`) into a folder, without what it needs. */
export async function fetchArtifact(
  installer: Installer,
  {
    title,
    artifact,
    folder,
  }: { readonly title: string; readonly artifact: Coordinates; readonly folder: string },
): Promise<void> {
  const goal = ["dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`];
  await installer.step(title, await toolPath(maven), ["-B", "-q", ...goal], { cwd: folder });
}

function projectModel(name: string, artifacts: readonly Coordinates[]): string {
  const dependencies = artifacts.map((coordinates) => {
    const [group, artifact, version, classifier] = coordinates.split(":");
    const extra = classifier === undefined ? "" : `<classifier>${classifier}</classifier>`;
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${extra}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace.servers</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${dependencies.join("\n    ")}
  </dependencies>
</project>
`;
}
