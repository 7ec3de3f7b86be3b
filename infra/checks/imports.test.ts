import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type DeclaredPackages, importViolations } from "./imports.ts";
import { readSources, repositoryRoot } from "./source-file.ts";

const declared = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8")) as DeclaredPackages;

test("every source imports only what it may", () => {
  expect(readSources().flatMap((file) => importViolations(file, declared))).toEqual([]);
});

describe("a planted import is caught:", () => {
  const packages = { dependencies: { lmdb: "1" }, devDependencies: { vitest: "1" } };
  const planted = (path: string, line: string) =>
    importViolations({ path, text: `// one\n${line}\n` }, packages);

  test.each([
    [
      "rightward",
      "schema/a.ts",
      'import { b } from "../lakehouse/index.ts";',
      "schema stands left of lakehouse",
    ],
    ["rightward, of a type", "ml/a.ts", 'import type { B } from "../stream/index.ts";', "ml stands left"],
    [
      "rightward, in a test",
      "stream/a.test.ts",
      'import { b } from "../api/index.ts";',
      "stream stands left",
    ],
    [
      "past the index",
      "api/a/b.ts",
      'export * from "../../stream/time/watermark.ts";',
      "through stream/index.ts",
    ],
    [
      "of an adapter",
      "stream/a.ts",
      'const b = await import("./adapters/b.ts");',
      "the adapter stream/adapters/b.ts",
    ],
    [
      "of a neighbour's adapter",
      "stream/adapters/a.ts",
      'import "../../lakehouse/adapters/b.ts";',
      "the adapter",
    ],
    [
      "of a plugin",
      "ml/training/a.ts",
      'import { p } from "../plugins/p/index.ts";',
      "take it from mlPlugins",
    ],
    ["of a fixture", "api/a.ts", 'import { b } from "./b.fixture.ts";', "which only tests may"],
    ["of a testing folder", "api/a.ts", 'import { b } from "./testing/b.ts";', "which only tests may"],
    [
      "as a thread's file",
      "ml/a.ts",
      'new Worker(new URL("../infra/b.ts", import.meta.url));',
      "ml stands left",
    ],
    ["as a type's import", "ml/a.ts", 'let b: import("../stream/index.ts").B;', "ml stands left"],
    ["of a development package", "api/a.ts", 'import { test } from "vitest";', "for development only"],
    ["of an undeclared package", "api/a.test.ts", 'import a from "@some/where/deep";', "does not declare"],
    [
      "of servers, in a test that is not named so",
      "stream/a.contract.ts",
      'import { testServer } from "../infra/servers/test-servers.ts";',
      "only *.integration.test.ts may",
    ],
    ["outside", "api/a.ts", 'import a from "../../elsewhere/a.ts";', "outside of the repository"],
  ])("%s", (_, path, line, expected) => {
    const found = planted(path, line);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${path}:2: `));
    expect(found[0]).toContain(expected);
  });

  test.each([
    ["leftward", "stream/a/b.ts", 'import { c } from "../../lakehouse/index.ts";'],
    ["within a folder", "stream/a/b.ts", 'import { c } from "../runtime/c.ts";'],
    [
      "of an adapter, where things are wired",
      "infra/a/b.ts",
      'import { c } from "../../stream/adapters/index.ts";',
    ],
    ["of an adapter, in a contract suite", "api/a.contract.ts", 'import "../stream/adapters/b.ts";'],
    ["of a plugin, in the only list", "ml/plugins/index.ts", 'import { p } from "./p/index.ts";'],
    ["of the test tools, in a test", "schema/a.test.ts", 'import { a } from "../infra/tools/test-tools.ts";'],
    [
      "of servers, in an integration test",
      "stream/a.integration.test.ts",
      'import { testServer } from "../infra/servers/test-servers.ts";',
    ],
    ["of packages", "stream/a.ts", 'import { open } from "lmdb"; import { join } from "node:path";'],
    ["in a text", "schema/a.ts", `const b = 'import { c } from "../api/index.ts"';`],
  ])("and an allowed one is not: %s", (_, path, line) => {
    expect(planted(path, line)).toEqual([]);
  });
});
