import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { settings, unknownVariables } from "../config/index.ts";
import { MALLOC } from "../platform/engine-settings.ts";
import { composeDependencies, composeServices, composeViolations } from "./compose.ts";
import { repositoryRoot } from "./source-file.ts";

const STACK = "docker-compose.yml";
const EMBEDDED = "infra/images/compose.embedded.yml";
const read = (path: string) => readFileSync(join(repositoryRoot, path), "utf8");

/** Variables that a text names and no setting has. */
function unknownIn(text: string): string[] {
  return unknownVariables(
    Object.fromEntries((text.match(/\bMILLRACE_[A-Z0-9_]+/g) ?? []).map((name) => [name, ""])),
  );
}

describe("what is deployed names only settings that exist:", () => {
  test.each([STACK, EMBEDDED, "infra/images/Dockerfile", ".env.example"])("%s", (path) => {
    const text = read(path);
    expect(text).toContain("MILLRACE_");
    expect(unknownIn(text)).toEqual([]);
  });

  test("and a planted one is caught", () => {
    expect(unknownIn("MILLRACE_PORT: 4000\nMILLRACE_PROT: 4000")).toEqual(["MILLRACE_PROT"]);
  });
});

describe("the compose files", () => {
  const services = composeServices(read(STACK));
  const names = services.map(({ name }) => name);

  test("hold the whole stack", () => {
    expect(names).toEqual(
      expect.arrayContaining([
        ...["api", "worker-1", "worker-2", "topics", "contracts", "bucket"],
        ...["kafka", "minio", "postgres", "catalog", "schemas", "redis", "trino"],
        ...["prometheus", "grafana", "kafka-ui"],
      ]),
    );
  });

  test.each([STACK, EMBEDDED])(
    "%s: every service has a fixed version, limits, health, no privileges, and no secret of its own",
    (path) => {
      const found = composeServices(read(path));
      expect(found.length).toBeGreaterThan(0);
      expect(found.flatMap(composeViolations)).toEqual([]);
    },
  );

  test("wait for services that exist, and the platform for everything that it needs", () => {
    for (const service of services)
      expect(names).toEqual(expect.arrayContaining(composeDependencies(service)));
    const needed = (name: string) => composeDependencies(services.find((service) => service.name === name)!);
    expect(needed("api").sort()).toEqual(["bucket", "catalog", "contracts", "redis", "topics", "trino"]);
    expect(needed("worker-2")).toEqual(expect.arrayContaining([...needed("api"), "api"]));
  });

  test("give Prometheus and Grafana what they read from the repository", () => {
    const textOf = (name: string) => services.find((service) => service.name === name)?.text ?? "";
    const mounted = (name: string) =>
      new Map([...textOf(name).matchAll(/^\s+- \.\/(\S+):(\S+):ro$/gm)].map(([, from, to]) => [to, from]));
    for (const from of [...mounted("prometheus").values(), ...mounted("grafana").values()])
      expect(existsSync(join(repositoryRoot, from)), from).toBe(true);
    const [, rulesFolder] =
      /^ {2}- (.*)\/\*\.yml$/m.exec(read("infra/images/prometheus/prometheus.yml")) ?? [];
    expect(mounted("prometheus").get(rulesFolder)).toBe("infra/images/prometheus/rules");
    const [, dashboards] = /^ {6}path: (.*)$/m.exec(read("infra/images/grafana/dashboards.yml")) ?? [];
    expect(mounted("grafana").get(dashboards)).toBe("infra/images/grafana/dashboards");
  });

  test("have Prometheus ask every process of ours at its port", () => {
    const { apiPort, workerPort } = {
      apiPort: Number(/^ {4}MILLRACE_PORT=(\d+)$/m.exec(read("infra/images/Dockerfile"))?.[1]),
      workerPort: settings.workerPort.default,
    };
    const ours = names.flatMap((name) => {
      if (name === "api") return [`${name}:${apiPort}`];
      return name.startsWith("worker-") ? [`${name}:${workerPort}`] : [];
    });
    const targets = [
      ...read("infra/images/prometheus/prometheus.yml").matchAll(/targets: (\[.*\])/g),
    ].flatMap(([, list]): string[] => JSON.parse(list));
    expect(ours).toHaveLength(3);
    expect(targets).toEqual(expect.arrayContaining(ours));
    const worker = services.find(({ name }) => name === "worker-1")?.text ?? "";
    expect(worker).toContain(`http://127.0.0.1:${workerPort}/health`);
  });

  test("ask for the variables that .env.example lists, secrets empty there", () => {
    const example = new Map(
      [...read(".env.example").matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    const used = [...`${read(STACK)}${read(EMBEDDED)}`.matchAll(/(?<!\$)\$\{([A-Z_]+)(:\?)?/g)];
    for (const [, name, required] of used) {
      if (required === undefined && !name.startsWith("MILLRACE_")) continue;
      expect(example.has(name), `${name} in .env.example`).toBe(true);
      if (required !== undefined) expect(example.get(name), name).toBe("");
    }
  });

  test.each([
    ["a moving version", "    image: redis:latest", "fixed version"],
    ["a port for everybody", '    ports: ["0.0.0.0:1:1"]', "other machines"],
    ["a committed password", "      DB_PASSWORD: hunter2", "DB_PASSWORD"],
    ["a password by default", `      DB_PASSWORD: $${"{DB_PASSWORD:-hunter2}"}`, "DB_PASSWORD"],
    ["no limits", "", "limits"],
    ["no health check", "", "no health check"],
  ])("a planted violation is caught: %s", (_, line, problem) => {
    const text = `services:\n  one:\n${line}\n    restart: unless-stopped\n`;
    expect(composeServices(text).flatMap(composeViolations)).toContainEqual(expect.stringContaining(problem));
  });
});

test("the image has the malloc of a worker", () => {
  expect(read("infra/images/Dockerfile")).toContain(`GLIBC_TUNABLES=${MALLOC.GLIBC_TUNABLES} `);
});

test("the image's Node is the pinned one", () => {
  const { dependencies } = JSON.parse(read("package.json"));
  const versions = [...read("infra/images/Dockerfile").matchAll(/^FROM node:([\d.]+)-/gm)].map(
    (match) => match[1],
  );
  expect(new Set(versions)).toEqual(new Set([dependencies.node]));
});
