import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { serverTests } from "./infra/servers/server-tests.ts";

/** `vitest --mode embedded` runs what needs no server. */
const EMBEDDED = "embedded";

export default defineConfig(({ mode }) => ({
  // The module that Node resolves to, so that tests and all libraries share one instance of graphql.
  resolve: {
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve("graphql")) }],
  },
  test: {
    include: ["{schema,lakehouse,ml,stream,api,infra}/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(mode === EMBEDDED ? serverTests(import.meta.dirname) : [])],
    env: mode === EMBEDDED ? { MILLRACE_TEST_SERVERS: "none" } : {},
    globalSetup: ["infra/servers/test-run.ts"],
    pool: "forks",
    // Threads of a test take their types off by WebAssembly: see keepWasmCallsGeneral.
    execArgv: ["--wasm-wrapper-tiering-budget=2147483647"],
    // The tests start worker threads, processes and servers of their own.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
}));
