import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { MillraceError } from "../../schema/index.ts";
import type { Instance, Launch, ServerSpec } from "./server-spec.ts";
import { onPath, type Tool, toolPath } from "./tools.ts";

const run = promisify(execFile);

const DEBIAN_FOLDER = "/usr/lib/postgresql";
const SYSTEM_USER = "postgres";
const USER = "millrace";
const PASSWORD = "millrace-local";
/** The one that every cluster has. */
const DATABASE = "postgres";

/** Debian keeps the programs of each version beside the path. */
const postgresServer: Tool = {
  title: "PostgreSQL 15 or newer (postgres, initdb)",
  advice: "apt-get install postgresql",
  async find(environment) {
    const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).map(Number) : [];
    const newest = Math.max(...versions.filter((version) => version >= 15));
    if (newest > 0) return join(DEBIAN_FOLDER, String(newest), "bin", "postgres");
    return onPath("postgres", environment);
  },
};

/** A cluster of its own, beside the one that the system may run. */
export const postgres: ServerSpec<"postgres"> = {
  name: "postgres",
  title: "PostgreSQL",
  version: "15",
  port: { default: 15_432, environment: "MILLRACE_POSTGRES_PORT", test: 432, count: 1 },
  needs: [],
  tools: { install: [], run: [postgresServer] },
  installTakes: "comes from the system's packages",
  startMsMax: 180_000,
  install: async (installer) => installer.cache,
  async prepare({ folder }) {
    await mkdir(folder, { recursive: true });
    const data = join(folder, "data");
    if (existsSync(join(data, "PG_VERSION"))) return;
    const runAs = systemUser();
    // A kill within initdb leaves a folder that it refuses to use again.
    await rm(data, { recursive: true, force: true });
    await mkdir(data);
    await chmod(data, 0o700);
    const password = join(folder, "password");
    await writeFile(password, PASSWORD, { mode: 0o600 });
    if (runAs !== undefined) {
      for (const path of [folder, data, password]) await chown(path, runAs.uid, runAs.gid);
    }
    const args = ["-D", data, "-U", USER, `--pwfile=${password}`, "-A", "scram-sha-256", "-E", "UTF8"];
    await run(await program("initdb"), [...args, "--locale=C.UTF-8"], { cwd: "/", ...runAs }).catch(
      (cause) => {
        throw initFailed(folder, cause);
      },
    );
    await rm(password);
  },
  launch: async ({ folder, port }) => launchOf(await program("postgres"), { folder, port }),
  async isReady({ port }) {
    await run(await program("pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]);
    return true;
  },
  endpoint: ({ port }) => ({ host: "127.0.0.1", port, user: USER, password: PASSWORD, database: DATABASE }),
};

function launchOf(command: string, { folder, port }: Pick<Instance, "folder" | "port">): Launch {
  const settings = ["listen_addresses=127.0.0.1", "shared_buffers=64MB", "max_connections=50"];
  const args = ["-D", join(folder, "data"), "-p", String(port), "-k", folder];
  const runAs = systemUser();
  return {
    command,
    args: [...args, ...settings.flatMap((setting) => ["-c", setting])],
    ...(runAs && { runAs }),
  };
}

/** PostgreSQL refuses to be root: then it runs as the user that its package made. */
function systemUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${SYSTEM_USER}:`));
  const [, , uid, gid] = entry?.split(":") ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

async function program(name: "postgres" | "initdb" | "pg_isready"): Promise<string> {
  return join(await toolPath(postgresServer), "..", name);
}

function initFailed(folder: string, cause: unknown): MillraceError {
  const said = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
  return new MillraceError(
    `PostgreSQL could not make its data folder in ${folder}: ${said}\n` +
      `Started by root it runs as the user ${SYSTEM_USER}, who must be able to reach that folder: choose another with --data.`,
    { code: "server-start-failed", origin: "external", cause },
  );
}
