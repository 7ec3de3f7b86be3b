import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Installer } from "./installer.ts";
import { connectionSettings, localServers } from "./local-servers.ts";
import { serversOfTests, serverTests } from "./server-tests.ts";
import { platformServers, serverNames, specs, withDependents, withNeeded } from "./specs.ts";
import { findJava } from "./tools.ts";

const run = promisify(execFile);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-servers-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function group(environment: Record<string, string> = {}) {
  return localServers({
    data: join(folder, "data"),
    environment: { MILLRACE_CACHE: folder, PATH: process.env.PATH, ...environment },
    say: () => {},
  });
}

function writeProgram(name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

describe("specifications", () => {
  test("a server starts after those it needs and stops after those that need it", () => {
    expect(withNeeded(["trino"])).toEqual(["minio", "catalog", "trino"]);
    expect(withDependents(["minio"])).toEqual(["minio", "catalog", "trino"]);
    expect(withNeeded(serverNames)).toEqual(serverNames);
  });

  test("no two servers share a port, neither by default nor in tests", () => {
    for (const kind of ["default", "test"] as const) {
      const ports = serverNames.flatMap((name) => {
        const { port } = specs[name];
        return Array.from({ length: port.count }, (_, i) => port[kind] + i);
      });
      expect(new Set(ports).size).toBe(ports.length);
    }
  });

  test("the settings of the running servers are all that the distributed mode asks for", () => {
    expect(connectionSettings(group(), platformServers)).toMatchObject({
      kafkaBrokers: ["127.0.0.1:19092"],
      s3Endpoint: "http://127.0.0.1:19000",
      s3Bucket: "millrace",
      catalogUri: "http://127.0.0.1:18181",
      redisUrl: "redis://127.0.0.1:16379",
      trinoUrl: "http://127.0.0.1:18080",
      trinoCatalog: "lake",
      schemaRegistryUrl: "http://127.0.0.1:18085/apis/ccompat/v7",
    });
  });
});

describe("ports", () => {
  test("one that another program uses is named, with the variable that changes it", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port)),
    );
    writeProgram("redis-server", "exit 1");
    const servers = group({ PATH: folder, MILLRACE_REDIS_PORT: String(port) });
    await expect(servers.start(["redis"])).rejects.toMatchObject({
      code: "port-in-use",
      message: expect.stringMatching(new RegExp(`Redis .*port ${port}.*MILLRACE_REDIS_PORT`)),
    });
    other.close();
  });

  test.each(["0", "65536", "redis"])("%s is none", (given) => {
    expect(() => group({ MILLRACE_REDIS_PORT: given }).endpoint("redis")).toThrow(/MILLRACE_REDIS_PORT/);
  });
});

describe("tools", () => {
  test("all that are missing are named at once, each with how to get it, also those of needed servers", async () => {
    const checked = group({ PATH: folder, JAVA_HOME: folder }).checkTools(["catalog", "redis"], "because");
    await expect(checked).rejects.toMatchObject({
      code: "tool-missing",
      message: expect.stringMatching(
        /because.*Go .*go\.dev.*Redis .*redis-server.*Java 17.*JAVA_HOME.*Maven .*maven/s,
      ),
    });
  });

  test("an old Java counts as missing, a newer one is found by its version", async () => {
    writeProgram("java", `echo 'openjdk version "11.0.2" 2019-01-15' >&2`);
    expect(await findJava({ PATH: folder }, 17)).toBeNull();
    mkdirSync(join(folder, "bin"));
    writeProgram("bin/java", `echo 'openjdk version "25" 2025-09-16' >&2`);
    expect(await findJava({ PATH: folder, JAVA_HOME: folder }, 25)).toBe(join(folder, "bin/java"));
  });
});

describe("an installation", () => {
  const installer = () => new Installer(folder, () => {});

  test("happens once, also when asked for twice at a time", async () => {
    let built = 0;
    const build = async (to: string): Promise<void> => {
      built += 1;
      writeFileSync(join(to, "done"), "");
    };
    await Promise.all([installer().once("a", build), installer().once("a", build)]);
    expect(built).toBe(1);
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("that failed or was killed leaves nothing under the name, and the next begins anew", async () => {
    const fails = installer().once("a", async (to) => {
      writeFileSync(join(to, "half"), "");
      await installer().run("building", "sh", ["-c", "echo no such mirror; exit 3"]);
    });
    await expect(fails).rejects.toMatchObject({
      code: "install-failed",
      message: expect.stringMatching(/building: sh failed \(3\):\nno such mirror/),
    });
    expect(existsSync(join(folder, "a"))).toBe(false);
    await installer().once("a", async (to) => writeFileSync(join(to, "whole"), ""));
    expect(readdirSync(join(folder, "a"))).toEqual(["whole"]);
  });

  test("is left to the process that began it", async () => {
    const child = `
      import { appendFileSync, writeFileSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      import { Installer } from ${JSON.stringify(join(import.meta.dirname, "installer.ts"))};
      const [folder] = process.argv.slice(1);
      await new Installer(folder, () => {}).once("a", async (to) => {
        appendFileSync(folder + "/builds", "x");
        await sleep(300);
        writeFileSync(to + "/whole", "");
      });`;
    const install = () => run(process.execPath, ["--input-type=module", "-e", child, folder]);
    await Promise.all([install(), install(), install()]);
    expect(readdirSync(folder).sort()).toEqual(["a", "builds"]);
    expect(readFileSync(join(folder, "builds"), "utf8")).toBe("x");
  });
});

describe("tests that need servers", () => {
  const write = (name: string, text: string): string => {
    const path = join(folder, "stream", name);
    mkdirSync(join(folder, "stream"), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  const imports = 'import { testServer } from "../infra/servers/test-servers.ts";\n';

  test("are the integration tests that import them, and say which", () => {
    const files = [
      write("a.integration.test.ts", `${imports}await testServer("kafka"); await testServer("trino")`),
      write("b.integration.test.ts", 'import { x } from "./x.ts"; testServer("redis")'),
    ];
    expect(serverTests(folder)).toEqual([join("stream", "a.integration.test.ts")]);
    expect(serversOfTests(files)).toEqual(["kafka", "trino"]);
  });

  test("may need any that the distributed mode needs where they do not ask by name", () => {
    const file = write("a.integration.test.ts", `${imports}for (const name of names) testServer(name);`);
    expect(serversOfTests([file])).toEqual(platformServers);
  });
});
