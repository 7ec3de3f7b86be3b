import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from "graphql";
import type { ApiConfig } from "./config.ts";

export type DocumentLimits = Pick<ApiConfig, "depthMax" | "aliasesMax" | "costMax">;
type Variables = Readonly<Record<string, unknown>>;

interface Measure {
  readonly depth: number;
  readonly aliases: number;
  readonly cost: number;
}

const NOTHING: Measure = { depth: 0, aliases: 0, cost: 0 };
const PAGE_ARGUMENTS = new Set(["first", "limit"]);
const PAGE_DEFAULT = 20;

/**
 * Whether a validated operation stays within the limits: null, or the error to answer with. Fields of
 * introspection count as one each: graphql limits their depth itself, and production has none.
 */
export function exceededLimit(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
  limits: DocumentLimits,
): GraphQLError | null {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const { depth, aliases, cost } = new DocumentMeter(document, variables).measure(operation.selectionSet);
  if (depth > limits.depthMax) return limitError("depth-limit", "nested fields", depth, limits.depthMax);
  if (aliases > limits.aliasesMax) return limitError("alias-limit", "aliases", aliases, limits.aliasesMax);
  if (cost > limits.costMax)
    return limitError(
      "cost-limit",
      "estimated fields",
      cost,
      limits.costMax,
      "Ask for fewer rows, or split it up.",
    );
  return null;
}

function limitError(
  code: string,
  what: string,
  found: number,
  max: number,
  remedy = "Split it up.",
): GraphQLError {
  return new GraphQLError(`The operation has ${found} ${what}, at most ${max} are taken. ${remedy}`, {
    extensions: { code, origin: "user", http: { status: 400 } },
  });
}

/** Measures each fragment once, so that fragments of fragments cannot make it slow. */
class DocumentMeter {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  private readonly measured = new Map<string, Measure>();
  private readonly variables: Variables;

  constructor(document: DocumentNode, variables: Variables) {
    this.variables = variables;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  measure(selections: SelectionSetNode): Measure {
    let { depth, aliases, cost } = NOTHING;
    for (const selection of selections.selections) {
      const part =
        selection.kind === Kind.FIELD
          ? this.field(selection)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.measure(selection.selectionSet)
            : this.fragment(selection.name.value);
      depth = Math.max(depth, part.depth);
      aliases += part.aliases;
      cost += part.cost;
    }
    return { depth, aliases, cost };
  }

  private field(field: FieldNode): Measure {
    const aliases = field.alias === undefined ? 0 : 1;
    const leaf = field.selectionSet === undefined || field.name.value.startsWith("__");
    if (leaf) return { depth: 1, aliases, cost: 1 };
    const inner = this.measure(field.selectionSet);
    return {
      depth: 1 + inner.depth,
      aliases: aliases + inner.aliases,
      cost: 1 + this.rows(field) * inner.cost,
    };
  }

  private fragment(name: string): Measure {
    const known = this.measured.get(name);
    if (known !== undefined) return known;
    const definition = this.fragments.get(name);
    const measure = definition === undefined ? NOTHING : this.measure(definition.selectionSet);
    this.measured.set(name, measure);
    return measure;
  }

  /** Rows that a field answers with, as far as its arguments say. */
  private rows(field: FieldNode): number {
    for (const argument of field.arguments ?? []) {
      if (!PAGE_ARGUMENTS.has(argument.name.value)) continue;
      const { value } = argument;
      if (value.kind === Kind.INT) return Math.max(1, Number(value.value));
      const given = value.kind === Kind.VARIABLE ? this.variables[value.name.value] : undefined;
      return typeof given === "number" ? Math.max(1, given) : PAGE_DEFAULT;
    }
    return selectsPage(field) ? PAGE_DEFAULT : 1;
  }
}

function selectsPage(field: FieldNode): boolean {
  return (field.selectionSet?.selections ?? []).some(
    (selection) =>
      selection.kind !== Kind.FIELD || selection.name.value === "edges" || selection.name.value === "items",
  );
}
