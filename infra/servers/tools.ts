import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { MillraceError } from "../../schema/index.ts";

const run = promisify(execFile);

export type Environment = Readonly<Record<string, string | undefined>>;

/** A program that has to be on the machine already. */
export interface Tool {
  readonly title: string;
  /** How to get it. */
  readonly advice: string;
  /** Its path, or null where it is missing or too old. */
  find(environment: Environment): Promise<string | null>;
}

export const java: Tool = {
  title: "Java 17 or newer (java)",
  advice: "apt-get install openjdk-17-jre-headless, or set JAVA_HOME",
  find: (environment) => findJava(environment, 17),
};

export const maven: Tool = {
  title: "Maven (mvn)",
  advice: "apt-get install maven",
  find: async (environment) => onPath("mvn", environment),
};

export const go: Tool = {
  title: "Go 1.21 or newer (go)",
  advice: "https://go.dev/doc/install; it fetches the version that a module asks for",
  find: async (environment) => onPath("go", environment),
};

export const redisServer: Tool = {
  title: "Redis (redis-server)",
  advice: "apt-get install redis-server",
  find: async (environment) => onPath("redis-server", environment),
};

/** The path of a tool. Throws `tool-missing`. */
export async function toolPath(tool: Tool, environment: Environment = process.env): Promise<string> {
  const path = await tool.find(environment);
  if (path === null) throw toolsMissing([tool]);
  return path;
}

/** Those of the tools that are missing, each once. */
export async function missingTools(tools: readonly Tool[], environment: Environment): Promise<Tool[]> {
  const missing: Tool[] = [];
  for (const tool of new Set(tools)) {
    if ((await tool.find(environment)) === null) missing.push(tool);
  }
  return missing;
}

export function toolsMissing(tools: readonly Tool[], because = "the local servers need it"): MillraceError {
  const list = tools.map(({ title, advice }) => `  - ${title}: ${advice}`).join("\n");
  return new MillraceError(`missing on this machine (${because}):\n${list}`, {
    code: "tool-missing",
    origin: "user",
  });
}

/** A Java of at least this version: that of JAVA_HOME, or else the one on the path. */
export async function findJava(environment: Environment, versionMin: number): Promise<string | null> {
  const { JAVA_HOME } = environment;
  const home = JAVA_HOME === undefined ? null : executable(join(JAVA_HOME, "bin", "java"));
  for (const java of [home, onPath("java", environment)]) {
    if (java !== null && (await javaVersion(java)) >= versionMin) return java;
  }
  return null;
}

/** `openjdk version "17.0.15"` on standard error; 1.8 and the like are below all that is asked for. */
async function javaVersion(java: string): Promise<number> {
  const said = await run(java, ["-version"]).then(
    ({ stderr }) => stderr,
    () => "",
  );
  return Number(/version "(\d+)/.exec(said)?.[1] ?? 0);
}

export function onPath(name: string, { PATH = "" }: Environment): string | null {
  for (const folder of PATH.split(delimiter)) {
    const found = folder === "" ? null : executable(join(folder, name));
    if (found !== null) return found;
  }
  return null;
}

function executable(path: string): string | null {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? path : null;
  } catch {
    return null;
  }
}
