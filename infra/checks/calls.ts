import { isBench, isTestCode, type SourceFile, type Violation, violationAt } from "./source-file.ts";
import { isNode, memberName, type SyntaxNode, syntaxNodes } from "./syntax.ts";

const BANNED = new Map([
  ["Date.now", "take a clock `() => number`"],
  ["Math.random", "take a seeded generator"],
  ["process.env", "take a setting of infra/config"],
]);

/**
 * Time, chance, environment and console reach the code through its parameters, so that replays and
 * tests decide them. Their places are the adapters, infra/, tests and benchmarks.
 */
export function callViolations(file: SourceFile): Violation[] {
  const { path } = file;
  if (path.startsWith("infra/") || path.includes("/adapters/") || isTestCode(path) || isBench(path))
    return [];
  return syntaxNodes(file).flatMap((node) => {
    const problem = banned(node);
    return problem === null ? [] : [violationAt(file, node.start, problem)];
  });
}

function banned(node: SyntaxNode): string | null {
  if (node.type === "NewExpression" && isNode(node.callee) && node.callee.name === "Date") {
    return (node.arguments as unknown[]).length === 0 ? "new Date() reads the time: take a clock" : null;
  }
  const member = memberName(node);
  if (member === null) return null;
  if (member.startsWith("console.")) return `${member}: take a logger, or return what is to be said`;
  const instead = BANNED.get(member);
  return instead === undefined ? null : `${member}: ${instead}`;
}

/** `new TextDecoder()` drops a first U+FEFF, which is a character like others where it stands in data. */
export function decoderViolations(file: SourceFile): Violation[] {
  if (isTestCode(file.path)) return [];
  return syntaxNodes(file).flatMap((node) => {
    if (node.type !== "NewExpression" || !isNode(node.callee) || node.callee.name !== "TextDecoder")
      return [];
    const plain = (node.arguments as unknown[]).length === 0;
    return plain
      ? [violationAt(file, node.start, "new TextDecoder() drops U+FEFF: take utf8Decoder of schema/")]
      : [];
  });
}

const TEST_FUNCTIONS = new Set(["test", "it", "describe", "suite", "bench"]);
const LEFT_OUT = new Set(["skip", "only", "todo", "skipIf", "runIf"]);

/** Tests that would not run, or would keep others from running. */
export function skippedTestViolations(file: SourceFile): Violation[] {
  if (!isTestCode(file.path)) return [];
  return syntaxNodes(file).flatMap((node) => {
    const [object, property] = memberName(node)?.split(".") ?? [];
    return TEST_FUNCTIONS.has(object) && LEFT_OUT.has(property)
      ? [violationAt(file, node.start, `${object}.${property}: every test runs, everywhere`)]
      : [];
  });
}
