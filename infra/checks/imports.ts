import { posix } from "node:path";
import { isBench, isTestCode, LAYERS, type SourceFile, type Violation, violationAt } from "./source-file.ts";
import { isNode, memberName, type SyntaxNode, syntaxNodes } from "./syntax.ts";

interface Import {
  readonly offset: number;
  readonly specifier: string;
  /** True where only types are imported, so that nothing of it is loaded. */
  readonly typeOnly: boolean;
}

export interface DeclaredPackages {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Install and start what tests need, so tests of every layer may take them. */
const TEST_TOOLS = [
  "infra/tools/test-tools.ts",
  "infra/servers/test-servers.ts",
  "infra/servers/private-server.ts",
  "infra/servers/server-spec.ts",
];

/** How tests get servers. By these imports `npm run test:embedded` knows the tests that it leaves out. */
const TEST_SERVERS = /^infra\/servers\/(test-servers|private-server)\.ts$/;

/**
 * What a source may import: layers to its left, through their index; adapters and ML plugins only
 * where things are wired (`infra/`) and tested; test code only from test code; packages as declared.
 */
export function importViolations(file: SourceFile, packages: DeclaredPackages): Violation[] {
  return importsOf(file).flatMap((found) => {
    const problem = found.specifier.startsWith(".")
      ? pathProblem(file.path, posix.join(posix.dirname(file.path), found.specifier))
      : packageProblem(file.path, found, packages);
    return problem === null ? [] : [violationAt(file, found.offset, problem)];
  });
}

function pathProblem(from: string, to: string): string | null {
  const source = layerOf(from);
  const target = layerOf(to);
  const test = isTestCode(from);
  if (target < 0) return to.startsWith("..") ? `imports ${to}, outside of the repository` : null;
  if (test && TEST_SERVERS.test(to) && !mayHaveServers(from)) {
    return `imports ${to}: only *.integration.test.ts may, pass endpoints on from there`;
  }
  if (test && TEST_TOOLS.includes(to)) return null;
  if (target > source) return `imports ${to}: ${LAYERS[source]} stands left of ${LAYERS[target]}`;
  if (test || isBench(from)) return null;
  if (isTestCode(to)) return `imports ${to}, which only tests may`;
  const wires = LAYERS[source] === "infra";
  const adapter = /^(.*\/adapters)\//.exec(to)?.[1];
  if (adapter !== undefined && !from.startsWith(`${adapter}/`)) {
    return wires ? null : `imports the adapter ${to}: take the port, infra/ passes the adapter in`;
  }
  const plugin = /^ml\/plugins\/[^/]+\//.exec(to)?.[0];
  if (plugin !== undefined && !from.startsWith(plugin) && !wires && from !== "ml/plugins/index.ts") {
    return `imports the ML plugin ${to}: take it from mlPlugins`;
  }
  if (plugin !== undefined && wires) return null;
  if (source !== target && to !== `${LAYERS[target]}/index.ts`) {
    return `imports ${to}: another folder is reached through ${LAYERS[target]}/index.ts`;
  }
  return null;
}

function mayHaveServers(path: string): boolean {
  return path.endsWith(".integration.test.ts") || path.startsWith("infra/servers/");
}

function packageProblem(from: string, found: Import, packages: DeclaredPackages): string | null {
  const { specifier, typeOnly } = found;
  if (specifier.startsWith("node:")) return null;
  const [scope, name] = specifier.split("/");
  const key = scope.startsWith("@") ? `${scope}/${name}` : scope;
  if (key in packages.dependencies) return null;
  const development = key in packages.devDependencies;
  if (development && (typeOnly || isTestCode(from) || isBench(from))) return null;
  return development
    ? `imports ${key}, which is declared for development only`
    : `imports ${key}, which package.json does not declare`;
}

function layerOf(path: string): number {
  return LAYERS.indexOf(path.split("/")[0] as (typeof LAYERS)[number]);
}

/** Static, dynamic and re-exporting imports, `import("x")` types, and `new URL("./x.ts", import.meta.url)`. */
function importsOf(file: SourceFile): Import[] {
  return syntaxNodes(file).flatMap((node) => {
    const source = importedSource(node);
    if (!isNode(source) || typeof source.value !== "string") return [];
    const typeOnly = node.importKind === "type" || node.exportKind === "type" || node.type === "TSImportType";
    return [{ offset: node.start, specifier: source.value, typeOnly }];
  });
}

function importedSource(node: SyntaxNode): unknown {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
      return node.source;
    case "TSImportType":
      return node.source ?? node.argument;
    case "NewExpression":
      return isModuleUrl(node) ? (node.arguments as SyntaxNode[])[0] : null;
    default:
      return null;
  }
}

function isModuleUrl(node: SyntaxNode): boolean {
  const { callee, arguments: given } = node as SyntaxNode & { callee: SyntaxNode; arguments: SyntaxNode[] };
  if (callee.name !== "URL" || given.length !== 2) return false;
  const [path, base] = given as (SyntaxNode & { property?: SyntaxNode })[];
  const fromHere =
    base.type === "MemberExpression" && memberName(base) === null && base.property?.name === "url";
  return fromHere && typeof path.value === "string" && /^\.\.?\/.*\.ts$/.test(path.value);
}
