import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from "graphql";
import type { ApiConfig } from "./config.ts";

export type DocumentLimits = Pick<ApiConfig, "depthMax" | "aliasesMax" | "costMax">;
type Variables = Readonly<Record<string, unknown>>;
type ParentType = GraphQLNamedType | undefined;

/** What a caller sends, valid for the schema. */
export interface MeasuredRequest {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variables: Variables;
}

interface Measure {
  readonly depth: number;
  readonly aliases: number;
  /** Estimated fields of the answer. */
  readonly fields: number;
  /** Fields that ask the lake; however many rows they are of, one query answers them all. */
  readonly lakeQueries: number;
}

const NOTHING: Measure = { depth: 0, aliases: 0, fields: 0, lakeQueries: 0 };
const PAGE_ARGUMENTS = new Set(["first", "limit"]);
/** Fields that take it are answered by a query of the lake; others say how many they ask, see {@link lakeQueriesOf}. */
const SNAPSHOT_ARGUMENT = "asOf";
/** What a query of the lake counts as, in fields: with the default limit an operation starts at most 40. */
const LAKE_QUERY_COST = 500;
/** Rows of a page whose size is no number: such a request fails when its variables are read. */
const PAGE_DEFAULT = 20;

/**
 * Whether a validated operation stays within the limits: null, or the error to answer with. Fields of
 * introspection count as one each: graphql limits their depth itself, and production has none.
 */
export function exceededLimit(
  schema: GraphQLSchema,
  { document, operationName, variables }: MeasuredRequest,
  limits: DocumentLimits,
): GraphQLError | null {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const meter = new DocumentMeter(schema, document, { ...defaultsOf(operation), ...variables });
  const root = schema.getRootType(operation.operation) ?? undefined;
  const { depth, aliases, fields, lakeQueries } = meter.measure(operation.selectionSet, root);
  const cost = fields + lakeQueries * LAKE_QUERY_COST;
  if (depth > limits.depthMax) return limitError("depth-limit", "nested fields", depth, limits.depthMax);
  if (aliases > limits.aliasesMax) return limitError("alias-limit", "aliases", aliases, limits.aliasesMax);
  if (cost > limits.costMax)
    return limitError(
      "cost-limit",
      `estimated fields (each query of the lake counts as ${LAKE_QUERY_COST})`,
      cost,
      limits.costMax,
      "Ask for fewer rows, or split it up.",
    );
  return null;
}

/** Values of the variables that a request may leave out. */
function defaultsOf({ variableDefinitions }: OperationDefinitionNode): Variables {
  const defaults: Record<string, unknown> = {};
  for (const { variable, defaultValue } of variableDefinitions ?? []) {
    if (defaultValue !== undefined) defaults[variable.name.value] = valueFromASTUntyped(defaultValue);
  }
  return defaults;
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
  private readonly schema: GraphQLSchema;
  private readonly variables: Variables;
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  private readonly measured = new Map<string, Measure>();

  constructor(schema: GraphQLSchema, document: DocumentNode, variables: Variables) {
    this.schema = schema;
    this.variables = variables;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  /** @param parent the type that the fields are selected of */
  measure(selections: SelectionSetNode, parent: ParentType): Measure {
    let { depth, aliases, fields, lakeQueries } = NOTHING;
    for (const selection of selections.selections) {
      const part =
        selection.kind === Kind.FIELD
          ? this.field(selection, parent)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.measure(
                selection.selectionSet,
                selection.typeCondition ? this.schema.getType(selection.typeCondition.name.value) : parent,
              )
            : this.fragment(selection.name.value);
      depth = Math.max(depth, part.depth);
      aliases += part.aliases;
      fields += part.fields;
      lakeQueries += part.lakeQueries;
    }
    return { depth, aliases, fields, lakeQueries };
  }

  private field(node: FieldNode, parent: ParentType): Measure {
    const aliases = node.alias === undefined ? 0 : 1;
    if (node.selectionSet === undefined) return { depth: 1, aliases, fields: 1, lakeQueries: 0 };
    if (node.name.value.startsWith("__")) {
      // Introspection nests deeply and reads nothing: its aliases are what can make it large.
      const inner = this.measure(node.selectionSet, undefined);
      return { depth: 1, aliases: aliases + inner.aliases, fields: 1, lakeQueries: 0 };
    }
    const field = fieldOf(parent, node.name.value);
    const inner = this.measure(node.selectionSet, field && getNamedType(field.type));
    return {
      depth: 1 + inner.depth,
      aliases: aliases + inner.aliases,
      fields: 1 + this.rows(node, field) * inner.fields,
      lakeQueries: inner.lakeQueries + lakeQueriesOf(field),
    };
  }

  private fragment(name: string): Measure {
    const known = this.measured.get(name);
    if (known !== undefined) return known;
    const definition = this.fragments.get(name);
    const measure =
      definition === undefined
        ? NOTHING
        : this.measure(definition.selectionSet, this.schema.getType(definition.typeCondition.name.value));
    this.measured.set(name, measure);
    return measure;
  }

  /** Rows of a field's page, by its argument, else by the argument's default; 1 of a field without pages. */
  private rows(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): number {
    const size = field?.args.find(({ name }) => PAGE_ARGUMENTS.has(name));
    if (size === undefined) return 1;
    const rows =
      this.given(node.arguments?.find(({ name }) => name.value === size.name)) ?? size.defaultValue;
    return typeof rows === "number" ? Math.max(1, rows) : PAGE_DEFAULT;
  }

  /** The value of an argument; undefined where it, or its variable, was left out. */
  private given(argument: ArgumentNode | undefined): unknown {
    return argument && valueFromASTUntyped(argument.value, this.variables);
  }
}

/** Queries that answer a field: as its extension `lakeQueries` says, else one where it takes a snapshot. */
function lakeQueriesOf(field: GraphQLField<unknown, unknown> | undefined): number {
  const declared = field?.extensions.lakeQueries;
  if (typeof declared === "number") return declared;
  return field?.args.some(({ name }) => name === SNAPSHOT_ARGUMENT) === true ? 1 : 0;
}

function fieldOf(parent: ParentType, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}
