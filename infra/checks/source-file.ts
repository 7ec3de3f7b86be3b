import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A committed text: its path in the repository, with `/`, and what it holds. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A rule that a file breaks, as `PATH:LINE: what is wrong and what to do`. */
export type Violation = string;

export const repositoryRoot = join(import.meta.dirname, "../..");

/** The top-level folders, each of which may import those before it. */
export const LAYERS = ["schema", "lakehouse", "ml", "stream", "api", "infra"] as const;

const TEXT_ENDINGS = /\.(ts|mts|mjs|js|json|md|sql|py|avsc|graphql|html|css|yml|yaml|sh|txt|csv)$|^[^.]+$/;

/** Texts of the layers, of `.ci`, and of the repository's own folder. */
export function readRepository(): SourceFile[] {
  const inFolders = [...LAYERS, ".ci"].flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    ),
  );
  const atTop = readdirSync(repositoryRoot, { withFileTypes: true }).filter(
    ({ name }) => name !== ".git" && name !== ".env",
  );
  return [...inFolders, ...atTop.filter((entry) => entry.isFile())]
    .filter(({ name }) => TEXT_ENDINGS.test(name) || name.startsWith("."))
    .map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      const path = file.slice(repositoryRoot.length + 1).replaceAll("\\", "/");
      return { path, text: readFileSync(file, "utf8") };
    });
}

/** The TypeScript sources of the layers. */
export function readSources(): SourceFile[] {
  return readRepository().filter(
    ({ path }) => /\.m?ts$/.test(path) && path.includes("/") && !path.includes("/generated/"),
  );
}

/** Code that only tests run: it may reach into folders, and no production code may import it. */
export function isTestCode(path: string): boolean {
  return (
    /\.(test|contract|fixture)\.ts$/.test(path) ||
    /(^|\/)testing(\/|\.ts$)/.test(path) ||
    path.startsWith("infra/checks/")
  );
}

/** Benchmarks of one component: measured by hand, never imported. */
export function isBench(path: string): boolean {
  return path.endsWith(".bench.ts");
}

export function violationAt(file: SourceFile, offset: number, message: string): Violation {
  return `${file.path}:${file.text.slice(0, offset).split("\n").length}: ${message}`;
}
