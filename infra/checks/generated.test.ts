import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { staleFiles } from "../../schema/events/generate.ts";
import { repositoryRoot } from "./source-file.ts";

// Types are checked before, by the first step of `npm test`; infra/config, infra/platform and api/ hold the
// reference pages and the SDL to their sources.

const run = promisify(execFile);

/** What a command says, or null where it succeeds. */
async function complaint(folder: string, command: readonly string[]): Promise<string | null> {
  try {
    await run(process.execPath, [...command], { cwd: folder, maxBuffer: 64 << 20 });
    return null;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `${stdout}\n${stderr}`;
  }
}

const BIOME = join(repositoryRoot, "node_modules/@biomejs/biome/bin/biome");

/** What formatter and linter have against the files of a folder that its configuration includes. */
function biome(folder: string): Promise<string | null> {
  return complaint(folder, [BIOME, "check", "--error-on-warnings", "--colors=off", "--max-diagnostics=50"]);
}

test("everything is formatted and lints clean (npm run format mends most of it)", async () => {
  expect(await biome(repositoryRoot)).toBeNull();
});

describe("the formatter and linter catch", () => {
  test.each([
    ["an untidy source", "export const a   = 1;\n", "format"],
    ["any", "export const a: any = 1;\n", "noExplicitAny"],
    ["a type imported as a value", 'import { A } from "./a.ts";\n\nexport type B = A;\n', "useImportType"],
    ["an unused function", "function a(): void {}\n", "noUnusedVariables"],
  ])("%s", async (_, text, rule) => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-checks-"));
    copyFileSync(join(repositoryRoot, "biome.json"), join(folder, "biome.json"));
    writeFileSync(join(folder, "planted.ts"), text);
    expect(await biome(folder)).toContain(rule);
    rmSync(folder, { recursive: true });
  });
});

test("the generated contracts are what the schemas say (npm run generate)", async () => {
  expect(await complaint(repositoryRoot, ["schema/events/generate.ts", "--check"])).toBeNull();
});

test("a generated contract that was edited, and one too many, are caught", () => {
  const edited = { name: "order.ts", text: "// edited\n" };
  expect(staleFiles([edited])).toEqual(expect.arrayContaining(["order.ts", "payment.ts"]));
});
