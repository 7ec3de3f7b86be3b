import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { http } from "./probes.ts";
import type { ServerSpec } from "./server-spec.ts";
import { go, toolPath } from "./tools.ts";

/** The last commit of the community server. */
const VERSION = "2026-02-12";
const MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";
/** Of a server that only this machine reaches. */
const ACCESS_KEY_ID = "millrace";
const SECRET_ACCESS_KEY = "millrace-local";
const REGION = "us-east-1";
const BUCKET = "millrace";

export const minio: ServerSpec<"minio"> = {
  name: "minio",
  title: "MinIO",
  version: VERSION,
  port: { default: 19_000, environment: "MILLRACE_MINIO_PORT", test: 0, count: 1 },
  needs: [],
  tools: { install: [go], run: [] },
  installTakes: "5 minutes, 112 MB",
  startMsMax: 180_000,
  install: (installer) =>
    installer.once(`minio-${VERSION}`, async (folder) => {
      await installer.step(
        "minio: building it from its Go module (about 5 minutes on 2 cores)",
        await toolPath(go),
        ["install", "-ldflags=-s -w", MODULE],
        { environment: { GOBIN: folder } },
      );
    }),
  async prepare({ folder }) {
    // A folder in the drive is a bucket.
    await mkdir(join(folder, "data", BUCKET), { recursive: true });
  },
  launch: ({ installed, folder, port }) => ({
    command: join(installed, "minio"),
    args: ["server", join(folder, "data"), "--address", `127.0.0.1:${port}`, "--quiet"],
    environment: {
      MINIO_ROOT_USER: ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: SECRET_ACCESS_KEY,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
      // Lets it use a drive that it shares with the system.
      MINIO_CI_CD: "1",
    },
  }),
  isReady: async ({ port }) => (await http(`http://127.0.0.1:${port}/minio/health/ready`)).ok,
  endpoint: ({ port }) => ({
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET_ACCESS_KEY,
    region: REGION,
    bucket: BUCKET,
  }),
};
