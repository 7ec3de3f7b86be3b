import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldProductActivity, silverEvents } from "../../schema/index.ts";
import { HotNamespace } from "../../stream/index.ts";
import type { TestApi } from "../server/api.fixture.ts";

const T0 = Date.UTC(2026, 0, 31, 23, 58);
const MINUTE_MS = 60_000;
const at = (minute: number) => new Date(T0 + minute * MINUTE_MS);

interface ActivityPage {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly views: number } }[];
  readonly pageInfo: { readonly endCursor: string };
}

/** How the activity of many products is read, whatever engine reads the lake. */
export function productsContract(name: string, start: () => Promise<TestApi>): void {
  describe(`activity of products from ${name}`, () => {
    let api: TestApi;
    let old: string;
    beforeAll(async () => {
      api = await start();
      await api.commit(
        silverEvents,
        ["p1", "p2", "p3"].map((product, i) => ({
          event_id: `e${i}`,
          event_type: "item_view",
          event_time: at(i),
          user_id: "u1",
          product_id: product,
          is_late: false,
          _partition: 0,
          _offset: i,
          _ingested_at: at(i),
        })),
      );
      old = await api.commit(goldProductActivity, [
        ...[0, 1, 2, 3].map((minute) => activity("p1", minute, 10 + minute)),
        ...[2, 3].map((minute) => activity("p2", minute, 20 + minute)),
      ]);
      await api.commit(goldProductActivity, [activity("p1", 3, 99, 2)]);
    });
    afterAll(() => api.stop());

    const activity = (product: string, minute: number, views: number, revision = 1) => ({
      window_start: at(minute),
      window_end: at(minute + 1),
      product_id: product,
      views,
      cart_adds: 0,
      purchases: 0,
      revision,
    });
    const PAGE = `{ edges { cursor node { windowStart windowEnd views revision } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } freshness { snapshotId committedAt } }`;
    const viewsOf = ({ edges }: ActivityPage) => edges.map(({ node }) => node.views);

    /** Pages of the products that were seen, by id: asked for together, else one by one. */
    async function pages(args: string, together: boolean): Promise<Record<string, ActivityPage>> {
      if (together) {
        const { products } = await api.data(`{ products { edges { node { id activity${args} ${PAGE} } } } }`);
        return Object.fromEntries(
          products.edges.map(({ node }: { node: { id: string; activity: ActivityPage } }) => [
            node.id,
            node.activity,
          ]),
        );
      }
      const found: Record<string, ActivityPage> = {};
      for (const id of ["p1", "p2", "p3"])
        found[id] = (await api.data(`{ product(id: "${id}") { activity${args} ${PAGE} } }`)).product.activity;
      return found;
    }

    it("has for each product the page that it has alone", async () => {
      const { p1 } = await pages("(first: 2)", true);
      const after = p1.pageInfo.endCursor;
      const cases: [string, number[], number[]][] = [
        ["", [99, 12, 11, 10], [23, 22]],
        ["(first: 2)", [99, 12], [23, 22]],
        [`(first: 1, after: "${after}")`, [11], []],
        [`(from: "${at(1).toISOString()}", to: "${at(3).toISOString()}")`, [12, 11], [22]],
        [`(asOf: "${old}", first: 1)`, [13], [23]],
      ];
      for (const [args, viewsOfP1, viewsOfP2] of cases) {
        const together = await pages(args, true);
        expect(together, args).toEqual(await pages(args, false));
        expect(viewsOf(together.p1), args).toEqual(viewsOfP1);
        expect(viewsOf(together.p2), args).toEqual(viewsOfP2);
        expect(viewsOf(together.p3), args).toEqual([]);
      }
      expect(p1.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    });

    it("takes one query for all products of the same arguments", async () => {
      const asked = () => api.queried.splice(0).filter((sql) => sql.includes("{gold.product_activity}"));
      asked();
      await api.data(`{ products { edges { node { a: activity(first: 1) { edges { cursor } }
        b: activity(first: 1) { edges { cursor } } c: activity(first: 2) { edges { cursor } } } } } }`);
      expect(asked()).toHaveLength(2);
      const items = ["p1", "p2", "p3"].map((productId, i) => ({ rank: i + 1, productId, score: 1 }));
      await api.put(HotNamespace.popularProducts, "all", { windowStart: T0, windowEnd: T0, items });
      await api.data("{ popularProducts { items { product { activity { edges { cursor } } } } } }");
      expect(asked()).toHaveLength(1);
    });

    it("refuses bad arguments for each product", async () => {
      const backwards = `(from: "${at(1).toISOString()}", to: "${at(0).toISOString()}")`;
      for (const args of ["(first: 0)", '(after: "x")', '(asOf: "x")', backwards]) {
        const { data, errors } = await api.query(
          `{ products { edges { node { activity${args} { edges { cursor } } } } } }`,
        );
        expect(data, args).toBeNull();
        expect(errors?.[0].extensions, args).toMatchObject({ origin: "user" });
      }
    });
  });
}
