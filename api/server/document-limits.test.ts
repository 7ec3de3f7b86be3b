import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  parse,
  print,
  type SelectionNode,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { describe, expect, it } from "vitest";
import { apiConfigDefaults } from "./config.ts";
import { type DocumentLimits, exceededLimit } from "./document-limits.ts";
import { describeApiSchema } from "./schema.ts";

const schema = describeApiSchema();

/** What an operation is refused for, or null. */
function refused(
  query: string | DocumentNode,
  variables: Record<string, unknown> = {},
  limits: DocumentLimits = apiConfigDefaults,
) {
  const document = typeof query === "string" ? parse(query) : query;
  expect(validate(schema, document)).toEqual([]);
  return exceededLimit(schema, { document, operationName: undefined, variables }, limits);
}

/** The estimated cost of an operation, as the refusal tells it. */
function costOf(query: string | DocumentNode, variables: Record<string, unknown> = {}): number {
  const error = refused(query, variables, { ...apiConfigDefaults, costMax: 0 });
  expect(error?.extensions.code).toBe("cost-limit");
  return Number(/has (\d+)/.exec(error?.message ?? "")?.[1]);
}

/** The document with each selection set moved into a fragment of the kind. */
function inFragments(query: string, kind: "untyped" | "typed" | "named"): DocumentNode {
  const fragments: FragmentDefinitionNode[] = [];
  const types = new TypeInfo(schema);
  const document = visit(
    parse(query),
    visitWithTypeInfo(types, {
      SelectionSet: {
        leave(selectionSet): { kind: Kind.SELECTION_SET; selections: SelectionNode[] } {
          const type = { kind: Kind.NAME, value: String(types.getParentType()) } as const;
          const typeCondition = { kind: Kind.NAMED_TYPE, name: type } as const;
          if (kind !== "named") {
            const typed = kind === "typed" && { typeCondition };
            return {
              kind: Kind.SELECTION_SET,
              selections: [{ kind: Kind.INLINE_FRAGMENT, ...typed, selectionSet }],
            };
          }
          const name = { kind: Kind.NAME, value: `F${fragments.length}` } as const;
          fragments.push({ kind: Kind.FRAGMENT_DEFINITION, name, typeCondition, selectionSet });
          return { kind: Kind.SELECTION_SET, selections: [{ kind: Kind.FRAGMENT_SPREAD, name }] };
        },
      },
    }),
  );
  return { ...document, definitions: [...document.definitions, ...fragments] };
}

const DOCUMENTS = [
  "{ pipelineStatus { tasks { id inputs { topic } } } }",
  "{ orders(first: 20) { edges { cursor node { id total { amountMinor currency } payment { amount { currency } } } } } }",
  "{ orders { edges { node { total { amountMinor } } } pageInfo { hasNextPage } freshness { watermark } } }",
  "{ popularProducts { items { product { price { amountMinor } activity { edges { cursor } } } } } }",
  '{ a: user(id: "a") { sessions(first: 3) { edges { node { id } } } } b: lowStock { items { id } } }',
];

describe("the estimated cost of a document", () => {
  it("is the same in fragments and without", () => {
    for (const query of DOCUMENTS) {
      for (const kind of ["untyped", "typed", "named"] as const) {
        const document = inFragments(query, kind);
        expect(costOf(document), print(document)).toBe(costOf(query));
      }
    }
  });

  it("lets pages of components pass that each bring a fragment", () => {
    const query = `{ orders(first: 20) { edges { node { ...OrderRow } } } }
      fragment OrderRow on Order { id status total { ...M } payment { ...PaymentCell } }
      fragment PaymentCell on OrderPayment { id amount { ...M } }
      fragment M on Money { amountMinor currency }`;
    expect(refused(query)).toBeNull();
  });

  it("follows the page's size: as written, as a variable, as its default, as the field's own", () => {
    const orders = (first: string, head = "") => `${head} { orders${first} { edges { cursor } } }`;
    const of = (rows: number) => costOf(orders(`(first: ${rows})`));
    expect(of(200) - of(100)).toBe(2 * 100);
    expect(costOf(orders("(first: $n)", "query ($n: Int!)"), { n: 150 })).toBe(of(150));
    expect(costOf(orders("(first: $n)", "query ($n: Int! = 200)"))).toBe(of(200));
    expect(costOf(orders("(first: $n)", "query ($n: Int! = 200)"), { n: 5 })).toBe(of(5));
    expect(costOf(orders("(first: $n)", "query ($n: Int)"))).toBe(of(20));
    expect(costOf(orders(""))).toBe(of(20));
  });

  it("counts as many queries of the lake as a field says that it asks", () => {
    const letters = (inner: string) => costOf(`{ deadLetters(first: 10) { edges { node { ${inner} } } } }`);
    expect(letters("resend { note }") - letters("id")).toBe(2 * 500 + 10);
    expect(letters("id")).toBe(1 + 10 * 3 + 500);
    expect(costOf("{ deadLetterSummary { letters } }")).toBe(2 + 500);
    expect(costOf('mutation { resendDeadLetter(letter: { id: "orders-0-1" }) { outcome } }')).toBe(2 + 1_500);
  });

  it("counts queries of the lake, once for all rows around them", () => {
    const activities = (count: number, first: number) =>
      `{ products(first: ${first}) { edges { node { ${Array.from({ length: count }, (_, i) => `a${i}: activity(first: ${i + 1}) { edges { cursor } }`).join(" ")} } } } }`;
    expect(costOf("{ orders { freshness { snapshotId } } }")).toBe(1 + 20 * 2 + 500);
    expect(costOf(activities(1, 11)) - costOf(activities(1, 10))).toBeLessThan(500);
    expect(refused(activities(16, 1))).toBeNull();
    expect(refused(activities(16, 200))?.extensions.code).toBe("cost-limit");
    const users = (count: number) =>
      `{ ${Array.from({ length: count }, (_, i) => `u${i}: user(id: "${i}") { pageViews(first: 1) { edges { cursor } } sessions(first: 1) { edges { cursor } } }`).join(" ")} }`;
    expect(refused(users(15))).toBeNull();
    expect(refused(users(20))?.extensions.code).toBe("cost-limit");
  });
});
