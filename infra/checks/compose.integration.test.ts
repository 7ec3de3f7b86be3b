import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../config/index.ts";
import { dockerComposeCommand } from "../tools/docker-compose.ts";
import { composeServices } from "./compose.ts";
import { repositoryRoot } from "./source-file.ts";

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
}

let command: readonly string[];
const folder = mkdtempSync(join(tmpdir(), "millrace-compose-"));

beforeAll(async () => {
  command = await dockerComposeCommand();
}, 1_200_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What Docker makes of a compose file with the variables of .env.example, empty secrets of the servers filled. */
async function configOf(file: string, fill: string): Promise<Record<string, Service>> {
  const variables = join(folder, `filled-${fill}.env`);
  const example = readFileSync(join(repositoryRoot, ".env.example"), "utf8");
  writeFileSync(variables, example.replaceAll(/^(?!MILLRACE_)([A-Z_]+)=$/gm, `$1=${fill}`));
  const [program, ...args] = command;
  const config = [...args, "--env-file", variables, "-f", file, "config", "--format", "json"];
  const { stdout } = await promisify(execFile)(program, config, { cwd: repositoryRoot, maxBuffer: 16 << 20 });
  return JSON.parse(stdout).services;
}

test.each(["docker-compose.yml", "infra/images/compose.embedded.yml"])(
  "%s is valid, and Docker finds in it the services that the checks look at",
  async (file) => {
    const services = await configOf(file, "secret-1");
    const seen = composeServices(readFileSync(join(repositoryRoot, file), "utf8")).map(({ name }) => name);
    expect(Object.keys(services).sort()).toEqual(seen.toSorted());
  },
);

test("a secret that is not set stops the stack, and says what is missing", async () => {
  await expect(configOf("docker-compose.yml", "")).rejects.toThrow(
    /required variable \w+ is missing.*set it in \.env/,
  );
});

test("the environment of every container of ours is a valid configuration", async () => {
  const services = await configOf("docker-compose.yml", "secret-1");
  const ours = Object.values(services).filter(({ image }) => image.startsWith("millrace:"));
  expect(ours).toHaveLength(5);
  for (const { environment, command: words = [] } of ours) {
    const flags = words.includes("--workers") ? { workers: words[words.indexOf("--workers") + 1] } : {};
    const { config } = loadConfig({ folder, environment: environment ?? {}, flags });
    expect(config).toMatchObject({ mode: "distributed", s3SecretAccessKey: "secret-1", partitions: 4 });
  }
});
