import { parseAst } from "vitest/node";
import type { SourceFile } from "./source-file.ts";

/** A node of the syntax tree, as ESTree names it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Every node of a source, each before its children. Comments and the inside of texts are none. */
export function syntaxNodes(file: SourceFile): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  collect(parseAst(file.text, { lang: "ts", sourceType: "module" }), nodes);
  return nodes;
}

function collect(value: unknown, nodes: SyntaxNode[]): void {
  if (Array.isArray(value)) {
    for (const element of value) collect(element, nodes);
  } else if (isNode(value)) {
    nodes.push(value);
    for (const child of Object.values(value)) collect(child, nodes);
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as SyntaxNode).type === "string";
}

/** `a.b` of a member access `a.b` or `a["b"]` whose object is a plain name, else null. */
export function memberName(node: SyntaxNode): string | null {
  if (node.type !== "MemberExpression") return null;
  const { object, property } = node as SyntaxNode & { object: SyntaxNode; property: SyntaxNode };
  const key = node.computed ? property.value : property.name;
  return object.type === "Identifier" && typeof key === "string" ? `${object.name}.${key}` : null;
}
