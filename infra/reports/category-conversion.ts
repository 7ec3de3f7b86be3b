import { type ConversionMark, goldDailyCategoryConversion } from "../../schema/index.ts";
import type { DailyReport } from "./daily-report.ts";

/** With fewer shoppers, chance makes a category the best or the worst. */
const MARKED_SHOPPERS_MIN = 30;

interface Conversion {
  readonly category_id: string;
  readonly shoppers: number;
  readonly buyers: number;
  readonly conversion: number;
}

/** How many of a category's shoppers bought of it, with the best and the worst category. */
export const categoryConversion: DailyReport = {
  name: "category-conversion",
  doc: "how many of each category's shoppers bought of it, and the best and the worst category",
  table: goldDailyCategoryConversion,
  dueAfterMs: 3 * 3_600_000,
  async *make(events) {
    const rows = await events.query(
      `SELECT category_id, count(DISTINCT user_id) AS shoppers,
        count(DISTINCT CASE WHEN event_type = 'purchase' THEN user_id END) AS buyers
      FROM {silver.events} WHERE event_time >= $1 AND event_time < $2 AND category_id IS NOT NULL
        AND event_type IN ('page_view', 'item_view', 'cart_add', 'purchase')
      GROUP BY category_id`,
    );
    const categories = rows
      .map((row): Conversion => {
        const [shoppers, buyers] = [Number(row.shoppers), Number(row.buyers)];
        return { category_id: String(row.category_id), shoppers, buyers, conversion: buyers / shoppers };
      })
      .sort(byConversion);
    const { best, worst } = marked(categories);
    yield categories.map((category) => ({
      ...category,
      mark: (category === best
        ? "best"
        : category === worst
          ? "worst"
          : null) satisfies ConversionMark | null,
    }));
    return {
      text:
        best === null || worst === null
          ? `${categories.length} categories, none stands out`
          : `best ${inWords(best)}, worst ${inWords(worst)} of ${categories.length} categories`,
      figures: {
        categories: categories.length,
        ...(best !== null && { best: best.category_id, bestConversion: best.conversion }),
        ...(worst !== null && { worst: worst.category_id, worstConversion: worst.conversion }),
      },
    };
  },
};

/** The best first; of equal ones, that of more shoppers, then by id. */
function byConversion(a: Conversion, b: Conversion): number {
  return b.conversion - a.conversion || b.shoppers - a.shoppers || (a.category_id < b.category_id ? -1 : 1);
}

/** The first and the last of those with shoppers enough, where they differ: of equal ones, none is best. */
function marked(sorted: readonly Conversion[]): { best: Conversion | null; worst: Conversion | null } {
  const some = sorted.filter(({ shoppers }) => shoppers >= MARKED_SHOPPERS_MIN);
  const best = some[0];
  const lowest = some.at(-1)?.conversion;
  // Of several that are worst, the one of most shoppers, as of several that are best.
  const worst = some.find(({ conversion }) => conversion === lowest);
  return best === undefined || worst === undefined || best.conversion === worst.conversion
    ? { best: null, worst: null }
    : { best, worst };
}

function inWords({ category_id, conversion }: Conversion): string {
  return `${category_id} (${(100 * conversion).toFixed(1)} %)`;
}
