import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The module that Node resolves to, so that tests and all libraries share one instance of graphql.
  resolve: {
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve("graphql")) }],
  },
  test: {
    include: ["{schema,lakehouse,ml,stream,api,infra}/**/*.test.ts"],
    pool: "forks",
    // The tests start worker threads, processes and servers of their own.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
