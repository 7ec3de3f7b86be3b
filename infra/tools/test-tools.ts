import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MillraceError } from "../../schema/index.ts";
import { withLock } from "./process-lock.ts";

/**
 * Foreign readers that the tests hold our files against (PyIceberg, pyarrow, DuckDB's Iceberg
 * extension). They are no dependency of the product: they are installed on first use from PyPI,
 * into a cache folder outside the checkout, and shared by all checkouts of one user.
 */
const PYTHON_PACKAGES = [
  "pyiceberg==0.12.0",
  "pyiceberg-core==0.10.1",
  "pyarrow==26.0.1",
  "duckdb==1.5.5",
  "fastavro==1.13.1",
];

/** Must equal the DuckDB inside `@duckdb/node-api`: an extension is bound to its exact version. */
const DUCKDB_VERSION = "1.5.5";
const DUCKDB_EXTENSIONS = ["avro", "iceberg", "httpfs"];

const INSTALL_MS_MAX = 15 * 60_000;

const run = promisify(execFile);

/** `MILLRACE_CACHE`, or `~/.cache/millrace`. */
export function testCache(): string {
  return process.env.MILLRACE_CACHE ?? join(homedir(), ".cache", "millrace");
}

/** Path of a Python that has {@link PYTHON_PACKAGES}; installs them on first use (about a minute). */
export function ensurePython(): Promise<string> {
  return ensurePythonWith(PYTHON_PACKAGES);
}

/** Path of a Python that has these packages, each with its version; installs them on first use. */
export async function ensurePythonWith(packages: readonly string[]): Promise<string> {
  const folder = join(testCache(), `python-${fingerprint(packages)}`);
  const python = join(folder, "bin", "python");
  await once(folder, async () => {
    const system = await findPython();
    // A venv cannot be moved, so it is built in its place; the marker file makes it valid.
    await rm(folder, { recursive: true, force: true });
    await install(system, ["-m", "venv", folder]);
    await install(python, ["-m", "pip", "install", "--quiet", ...packages]);
  });
  return python;
}

/** Folder with the signed `NAME.duckdb_extension` files; load them with `LOAD 'FOLDER/NAME.duckdb_extension'`. */
export async function ensureDuckDbExtensions(): Promise<string> {
  const folder = join(testCache(), `duckdb-${DUCKDB_VERSION}`);
  await once(folder, async () => {
    const python = await ensurePython();
    const wheels = join(folder, "wheels");
    await mkdir(wheels, { recursive: true });
    const names = DUCKDB_EXTENSIONS.map((name) => `duckdb-extension-${name}==${DUCKDB_VERSION}`);
    await install(python, ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, ...names]);
    await install(python, ["-c", UNZIP_EXTENSIONS, wheels, folder]);
    await rm(wheels, { recursive: true });
  });
  return folder;
}

/** A wheel is a zip file; Python is at hand anyway, `unzip` may not be. */
const UNZIP_EXTENSIONS = `
import glob, os, sys, zipfile
wheels, folder = sys.argv[1:]
for wheel in glob.glob(os.path.join(wheels, "*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".duckdb_extension"):
                with open(os.path.join(folder, os.path.basename(name)), "wb") as out:
                    out.write(archive.read(name))
`;

/**
 * Runs `build` unless `folder/.ready` exists, in one process at a time. A build that was killed
 * leaves a folder without the marker; the next one begins anew.
 */
async function once(folder: string, build: () => Promise<void>): Promise<void> {
  const ready = join(folder, ".ready");
  if (existsSync(ready)) return;
  await mkdir(testCache(), { recursive: true });
  await withLock(`${folder}.lock`, { waitMsMax: INSTALL_MS_MAX }, async () => {
    if (existsSync(ready)) return;
    await build();
    await writeFile(ready, "");
  });
}

async function findPython(): Promise<string> {
  for (const name of ["python3", "python"]) {
    const version = await run(name, ["-c", "import sys, venv, ensurepip; print(sys.version_info >= (3, 10))"])
      .then(({ stdout }) => stdout.trim())
      .catch(() => null);
    if (version === "True") return name;
  }
  throw new MillraceError(
    "this needs other readers and libraries (PyIceberg, scikit-learn), and so Python 3.10 or newer with venv: " +
      "install python3 and python3-venv and run it again",
    { code: "python-missing", origin: "user" },
  );
}

async function install(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, [...args], { timeout: INSTALL_MS_MAX, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const detail = (error as { stderr?: string }).stderr?.trim().split("\n").slice(-5).join("\n") ?? "";
    throw new MillraceError(
      `could not install the test tools (${command} ${args.slice(0, 3).join(" ")} …): ${detail}\n` +
        "They come from PyPI: check the network, or pip's settings for a mirror.",
      { code: "test-tools-install-failed", origin: "external", retry: true, cause: error },
    );
  }
}

function fingerprint(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 12);
}
