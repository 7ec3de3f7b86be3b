import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { apiConfigDefaults } from "../../api/index.ts";
import { readApiKeys } from "./api-keys.ts";
import { apiConfigOf } from "./api-settings.ts";
import { loadConfig, shownConfig } from "./load-config.ts";
import { renderReference } from "./reference.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-config-"));
const empty = join(folder, "empty");
mkdirSync(empty);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("loadConfig", () => {
  test("takes flags over environment over file over defaults", () => {
    writeFileSync(
      join(folder, "millrace.config.json"),
      JSON.stringify({ port: 1, workers: 2, partitions: 3 }),
    );
    const environment = { MILLRACE_PORT: "4", MILLRACE_WORKERS: "5" };
    const { config, origins } = loadConfig({ folder, environment, flags: { port: "6" } });
    expect([config.port, config.workers, config.partitions, config.tickMs]).toEqual([6, 5, 3, 1000]);
    expect([origins.port, origins.workers, origins.partitions, origins.tickMs]).toEqual([
      "flag",
      "environment",
      "file",
      "default",
    ]);
  });

  test("names every problem at once, with the name that was used", () => {
    writeFileSync(join(folder, "millrace.config.json"), JSON.stringify({ port: "many", prot: 1 }));
    const environment = { MILLRACE_WORKERS: "-1", MILLRACE_MODE: "cluster" };
    expect(() => loadConfig({ folder, environment, flags: { tickMs: "1.5" } })).toThrow(
      /no setting "prot"[\s\S]*MILLRACE_MODE must be one of embedded, distributed[\s\S]*MILLRACE_WORKERS must be a whole number from 0 to 64[\s\S]*--tick-ms must be a whole number/,
    );
  });

  test("refuses settings that contradict each other", () => {
    writeFileSync(join(folder, "millrace.config.json"), "{}");
    const environment = { MILLRACE_PAGE_VIEWS_WINDOW_MS: "50000" };
    expect(() => loadConfig({ folder, environment })).toThrow(/multiple of pageViewsAdvanceMs/);
  });
});

/** The least that the distributed mode needs. */
const servers = {
  MILLRACE_MODE: "distributed",
  MILLRACE_KAFKA_BROKERS: "one:9092, two:9093",
  MILLRACE_S3_BUCKET: "lake",
  MILLRACE_CATALOG_URI: "http://catalog:8181",
  MILLRACE_REDIS_URL: "redis://user:hush@redis:6379/1",
  MILLRACE_TRINO_URL: "http://trino:8080",
};

function load(environment: Record<string, string>) {
  return loadConfig({ folder: empty, environment });
}

describe("the distributed mode", () => {
  test("takes a list of brokers, and leaves the embedded mode's demands out", () => {
    const { config } = load({ ...servers, MILLRACE_WORKERS: "0" });
    expect(config.kafkaBrokers).toEqual(["one:9092", "two:9093"]);
    expect(() => load({ MILLRACE_WORKERS: "0" })).toThrow(/workers must be at least 1 in embedded mode/);
  });

  test("says of every server that is missing what to set", () => {
    expect(() => load({ MILLRACE_MODE: "distributed" })).toThrow(
      /MILLRACE_KAFKA_BROKERS[\s\S]*MILLRACE_S3_BUCKET[\s\S]*MILLRACE_CATALOG_URI[\s\S]*MILLRACE_REDIS_URL[\s\S]*MILLRACE_TRINO_URL/,
    );
  });

  test.each([
    [{ MILLRACE_KAFKA_SASL_MECHANISM: "plain" }, /needs kafkaSaslUsername and kafkaSaslPassword/],
    [
      { MILLRACE_KAFKA_SASL_USERNAME: "u" },
      /set MILLRACE_KAFKA_SASL_PASSWORD too[\s\S]*kafkaSaslMechanism is none/,
    ],
    [{ MILLRACE_S3_ACCESS_KEY_ID: "a" }, /s3AccessKeyId is set without s3SecretAccessKey/],
    [{ MILLRACE_S3_PREFIX: "/a" }, /must not begin or end with/],
    [{ MILLRACE_CATALOG_TOKEN: "t", MILLRACE_CATALOG_CREDENTIAL: "i:s" }, /both set/],
    [{ MILLRACE_CATALOG_CREDENTIAL: "i" }, /CLIENT_ID:CLIENT_SECRET/],
    [{ MILLRACE_CATALOG_OAUTH_URI: "http://o" }, /without catalogCredential/],
    [{ MILLRACE_TRINO_PASSWORD: "p" }, /https:/],
    [{ MILLRACE_SCHEMA_REGISTRY_TOKEN: "t" }, /without schemaRegistryUrl/],
    [{ MILLRACE_KAFKA_BROKERS: "one" }, /HOST:PORT/],
    [{ MILLRACE_TRINO_URL: "trino:8080" }, /begins with http:/],
    [{ MILLRACE_TRINO_URL: "http://u:hush@trino" }, /no user and no password/],
    [{ MILLRACE_S3_SECRET_ACCESS_KEY_FILE: "absent" }, /_FILE names absent, which cannot be read/],
    [{ MILLRACE_CONFIG: "absent.json" }, /absent\.json does not exist/],
  ])("refuses %j", (wrong, problem) => {
    expect(() => load({ ...servers, ...wrong })).toThrow(problem);
  });
});

describe("API keys", () => {
  const key = "0123456789abcdef";

  test("have a name, a role and a key, apart by commas or lines", () => {
    const { config } = load({ MILLRACE_API_KEYS: `ann:operator:${key}, web:viewer:${key}:2\n` });
    expect(readApiKeys(config.apiKeys).keys).toEqual([
      { name: "ann", role: "operator", key },
      { name: "web", role: "viewer", key: `${key}:2` },
    ]);
  });

  test.each([
    [`:operator:${key}`, /entry 1 must begin with a name/],
    [
      `ann:operator:${key},bob:root:${key}`,
      /entry 2 must have one of the roles viewer, page, producer, operator/,
    ],
    ["ann:operator:short", /at least 16 characters/],
    [`ann:operator:${key},bob:viewer:${key}`, /two keys are the same/],
  ])("refuses %j, without showing it", (text, problem) => {
    expect(() => load({ MILLRACE_API_KEYS: text })).toThrow(problem);
    expect(() => load({ MILLRACE_API_KEYS: text })).not.toThrow(/0123|short/);
  });
});

describe("the API", () => {
  test("has the limits that are set, and else its own defaults", () => {
    const { port, allowedOrigins, depthMax, costMax, socketsMax } = apiConfigDefaults;
    expect(apiConfigOf(load({}).config)).toMatchObject({
      port,
      allowedOrigins,
      depthMax,
      costMax,
      socketsMax,
    });
    const environment = {
      MILLRACE_ALLOWED_ORIGINS: "http://localhost:5173, https://shop.example",
      MILLRACE_QUERY_DEPTH_MAX: "4",
      MILLRACE_QUERY_COST_MAX: "5",
      MILLRACE_SOCKETS_MAX: "6",
    };
    expect(apiConfigOf(load(environment).config)).toMatchObject({
      allowedOrigins: ["http://localhost:5173", "https://shop.example"],
      ...{ depthMax: 4, costMax: 5, socketsMax: 6 },
    });
  });

  test.each([
    ["*", /must be a list of origins/],
    ["localhost:5173", /must be a list of origins/],
    ["http://localhost:5173/", /must be a list of origins/],
    ["https://shop.example:443", /https:\/\/shop\.example:443 must be written https:\/\/shop\.example$/],
    ["https://Shop.example", /must be written https:\/\/shop\.example$/],
    ["https://shop.example:x", /is no origin/],
  ])("refuses the origin %s, which no browser sends", (origin, problem) => {
    expect(() => load({ MILLRACE_ALLOWED_ORIGINS: origin })).toThrow(problem);
  });
});

describe("a secret", () => {
  test("comes from the file that its _FILE variable names, and not from two places", () => {
    const path = join(folder, "token");
    writeFileSync(path, "hush\n");
    const { config, origins } = load({ ...servers, MILLRACE_CATALOG_TOKEN_FILE: path });
    expect([config.catalogToken, origins.catalogToken]).toEqual(["hush", "secret file"]);
    expect(() => load({ MILLRACE_CATALOG_TOKEN_FILE: path, MILLRACE_CATALOG_TOKEN: "x" })).toThrow(
      /both set/,
    );
  });

  test("is shown nowhere", () => {
    const path = join(folder, "broken.json");
    writeFileSync(path, '{ "trinoPassword": "hush" ');
    const wrong = { ...servers, MILLRACE_REDIS_URL: "http://u:hush@redis", MILLRACE_CONFIG: path };
    expect(() => load(wrong)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("hush") }),
    );
    const { config } = load({ ...servers, MILLRACE_CATALOG_CREDENTIAL: "id:hush" });
    const shown = shownConfig(config);
    expect(JSON.stringify(shown)).not.toContain("hush");
    expect([shown.redisUrl, shown.catalogToken]).toEqual(["redis://user:****@redis:6379/1", ""]);
    const inQuery = load({ ...servers, MILLRACE_REDIS_URL: "redis://redis:6379/1?password=hush&family=6" });
    expect(shownConfig(inQuery.config).redisUrl).toBe("redis://redis:6379/1?password=****&family=6");
  });
});

test("a named configuration file is taken instead of the usual one", () => {
  const path = join(folder, "other.json");
  writeFileSync(path, JSON.stringify({ port: 7, kafkaBrokers: ["a:1", "b:2"] }));
  const { config, file } = loadConfig({
    folder,
    environment: { MILLRACE_CONFIG: "nothing" },
    file: "other.json",
  });
  expect([config.port, config.kafkaBrokers, file]).toEqual([7, ["a:1", "b:2"], path]);
});

test("the reference page is up to date (node infra/config/write-reference.ts)", () => {
  expect(readFileSync(new URL("./reference.md", import.meta.url), "utf8")).toBe(renderReference());
});
