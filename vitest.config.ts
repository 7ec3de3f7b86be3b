import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{schema,lakehouse,ml,stream,api,infra}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // One instance of graphql for type-graphql, the server and the tests.
    server: { deps: { inline: ["graphql", "type-graphql"] } },
  },
});
