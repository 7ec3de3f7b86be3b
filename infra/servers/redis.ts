import { mkdir } from "node:fs/promises";
import { tcpAnswer } from "./probes.ts";
import type { ServerSpec } from "./server-spec.ts";
import { redisServer, toolPath } from "./tools.ts";

/** Keeps nothing on disk: what is in it can be computed again. */
export const redis: ServerSpec<"redis"> = {
  name: "redis",
  title: "Redis",
  version: "7",
  port: { default: 16_379, environment: "MILLRACE_REDIS_PORT", test: 379, count: 1 },
  needs: [],
  tools: { install: [], run: [redisServer] },
  installTakes: "comes from the system's packages",
  startMsMax: 30_000,
  install: async (installer) => installer.cache,
  async prepare({ folder }) {
    await mkdir(folder, { recursive: true });
  },
  launch: async ({ folder, port, settings = [] }) => ({
    command: await toolPath(redisServer),
    args: [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      folder,
      "--appendonly",
      "no",
      "--save",
      "",
      ...settings,
    ],
  }),
  isReady: async ({ port }) => (await tcpAnswer(port, "PING\r\n")).toString().startsWith("+PONG"),
  endpoint: ({ port }) => ({ url: `redis://127.0.0.1:${port}` }),
};
