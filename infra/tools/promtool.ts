import { join } from "node:path";
import { Installer, serversCache } from "../servers/installer.ts";
import { onPath, type Tool, toolPath } from "../servers/tools.ts";

const FOLDER = "prometheus-debian";

/** Whether the machine has promtool, or is one that it can be fetched for. */
const promtool: Tool = {
  title:
    "promtool, which comes with Prometheus, or Debian with apt-get and dpkg-deb, which it is fetched with",
  advice: "apt-get install prometheus, or put promtool of https://prometheus.io/download/ on the path",
  async find(environment) {
    const own = onPath("promtool", environment);
    if (own !== null) return own;
    const needed = ["apt-get", "dpkg-deb"].map((name) => onPath(name, environment));
    return needed.includes(null) ? null : needed[0];
  },
};

/**
 * The path of promtool: the machine's own, or the one of Debian's package, which is unpacked into the cache; nothing
 * is installed for the system, and no server is started. Throws `tool-missing`.
 */
export async function promtoolPath(): Promise<string> {
  await toolPath(promtool);
  const own = onPath("promtool", process.env);
  if (own !== null) return own;
  const installer = new Installer(serversCache(), (line) => process.stderr.write(`${line}\n`));
  const folder = await installer.once(FOLDER, (building) =>
    installer.step(
      "promtool: fetching and unpacking Debian's package of Prometheus",
      "bash",
      ["-c", UNPACK],
      {
        cwd: building,
      },
    ),
  );
  return join(folder, "usr/bin/promtool");
}

/** A machine that was just made has no lists of packages yet. */
const UNPACK = `
set -euo pipefail
apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }
dpkg-deb -x prometheus_*.deb .
rm prometheus_*.deb
`;
