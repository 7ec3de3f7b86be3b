import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Installer, serversCache } from "../servers/installer.ts";
import { go, toolPath } from "../servers/tools.ts";

const run = promisify(execFile);

const VERSION = "v2.40.3";
const MODULE = `github.com/docker/compose/v2@${VERSION}`;

/**
 * The command that checks compose files, which needs no container engine: Docker's own where it is
 * installed, else built once from its Go module into the cache (about 3 minutes on 2 cores).
 */
export async function dockerComposeCommand(): Promise<readonly string[]> {
  if (await works("docker", ["compose", "version"])) return ["docker", "compose"];
  const installer = new Installer(serversCache(), (line) => process.stderr.write(`${line}\n`));
  const folder = await installer.once(`docker-compose-${VERSION}`, async (building) => {
    const goPath = await toolPath(go);
    const { stdout } = await run(goPath, ["mod", "download", "-json", MODULE]);
    const { Dir: source } = JSON.parse(stdout) as { readonly Dir: string };
    // `go install` refuses a module whose go.mod excludes others, so it is built as the main module.
    const binary = join(building, "docker-compose");
    const args = ["-C", source, "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd"];
    await installer.step("docker compose: building it from its Go module (about 3 minutes)", goPath, args);
  });
  return [join(folder, "docker-compose")];
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}
