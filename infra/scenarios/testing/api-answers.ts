import { createApiServer } from "../../../api/index.ts";
import { apiPortsOf } from "../../platform/api-ports.ts";
import type { Platform } from "../../platform/platform.ts";

type Answer = Readonly<Record<string, unknown>>;

const ROWS = "first: 200";
const PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } freshness { watermark }";
const SESSION =
  "id userId start end durationMs events pageViews cartAdds purchases revenueMinor converted entryEventType entryProductId exitEventType exitProductId";
const SCORE =
  "kind userId sessionStart eventTime score modelVersion source { partition } contributions { feature logOdds }";

/**
 * Operations over the REES46 replay that touch every kind of answer: live values, pages from the lake
 * with their cursors, aggregates, corrections. What is a matter of the single run (snapshot ids, wall-clock
 * times, epochs, offsets of a log with gaps) is not asked for.
 */
const OPERATIONS: Readonly<Record<string, string>> = {
  popularLive: `{ popularProducts(limit: 100) { source windowStart windowEnd items { rank productId score views cartAdds purchases product { id brand categoryId categoryCode price { amountMinor currency } } } } }`,
  latestRevenue: `{ latestRevenueByCategory { rows { windowStart windowEnd categoryId revenue { amountMinor currency } units purchases } } }`,
  user: `{ user(id: "515136153") { id recentPageViews { eventTime views5m recent { eventTime eventType productId } }
    propensity { score sessionStart eventTime modelVersion source { partition } contributions { feature logOdds } }
    pageViews(${ROWS}) { edges { cursor node { windowStart windowEnd views } } ${PAGE} }
    sessions(${ROWS}) { edges { cursor node { ${SESSION} } } ${PAGE} } } }`,
  unknownUser: `{ user(id: "nobody") { id recentPageViews { views5m } propensity { score } sessions { edges { cursor } } } }`,
  sessionsPage: `{ sessions(first: 50, filter: { converted: true }) { edges { cursor node { ${SESSION} } } ${PAGE} } }`,
  sessionsRange: `{ sessions(${ROWS}, filter: { from: "2019-10-01T01:00:00Z", to: "2019-10-01T01:10:00Z" }) { edges { cursor node { ${SESSION} } } ${PAGE} } }`,
  revenueByHour: `{ revenueByCategory(from: "2019-10-01T00:00:00Z", to: "2019-10-01T03:00:00Z") { rows { windowStart windowEnd categoryId revenue { amountMinor currency } units purchases } } }`,
  revenueByMinute: `{ revenueByCategory(from: "2019-10-01T02:20:00Z", to: "2019-10-01T02:40:00Z", granularity: MINUTE) { rows { windowStart categoryId revenue { amountMinor currency } units purchases } } }`,
  product: `{ product(id: "1004856") { id name brand categoryId categoryCode price { amountMinor currency }
    activity(${ROWS}) { edges { cursor node { windowStart windowEnd views cartAdds purchases } } ${PAGE} } } }`,
  products: `{ products(first: 30, filter: { brand: "apple" }) { edges { cursor node { id brand categoryId price { amountMinor currency } } } ${PAGE} } }`,
  propensity: `{ propensityScores(first: 50, filter: { scoreMin: 0.5 }) { edges { cursor node { ${SCORE} } } ${PAGE} } }`,
  alerts: `{ orderAlerts(${ROWS}) { edges { cursor node { id orderId rule reason severity userId orderTime } } ${PAGE} }
    flashSaleAlerts(${ROWS}) { edges { node { id productId windowStart views purchases status } } } }`,
  reports: `{ dailyUserSegments(day: "2019-10-01T01:00:00Z") { day segments { segment users views cartAdds purchases } }
    dailySegmentUsers(segment: BUYER, day: "2019-10-01T01:00:00Z", first: 20) { edges { cursor node { userId segment views cartAdds purchases } } ${PAGE} }
    dailyTopProducts { day products { rank productId categoryId units purchases cartAdds views } }
    dailyCategoryConversion { day best { categoryId } worst { categoryId } categories { categoryId shoppers buyers conversion mark } }
    dailyReportRuns(report: "top-products") { runs { report day status attempt rows message } } }`,
  processed: `{ pipelineStatus { lagTotal watermark tasks { id failed lag } } }`,
};

/** What the API answers over a platform that has processed the replay, by operation. */
export async function apiAnswers(platform: Platform): Promise<Readonly<Record<string, Answer>>> {
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const api = await createApiServer({
    ...apiPortsOf(platform),
    logger: quiet,
    config: { host: "127.0.0.1", port: 0, production: false },
  });
  try {
    const answers: Record<string, Answer> = {};
    for (const [name, query] of Object.entries(OPERATIONS)) {
      const response = await fetch(`${api.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });
      const answer = (await response.json()) as { readonly data: Answer; readonly errors?: unknown };
      if (answer.errors !== undefined) throw new Error(`${name}: ${JSON.stringify(answer.errors)}`);
      answers[name] = answer.data;
    }
    return answers;
  } finally {
    await api.close();
  }
}
