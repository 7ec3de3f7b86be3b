import { MillraceError, unknownName } from "../../schema/index.ts";
import { categoryConversion } from "./category-conversion.ts";
import type { DailyReport } from "./daily-report.ts";
import { topProducts } from "./top-products.ts";
import { userSegments } from "./user-segments.ts";

/** Every daily report, in the order in which they fall due. */
export const dailyReports: readonly DailyReport[] = [userSegments, topProducts, categoryConversion];

/** The report of that name; `wrong-usage` where there is none. */
export function reportNamed(name: string): DailyReport {
  const report = dailyReports.find((each) => each.name === name);
  if (report !== undefined) return report;
  const { message } = unknownName(
    "report",
    name,
    dailyReports.map((each) => each.name),
  );
  throw new MillraceError(message, { code: "wrong-usage", origin: "user" });
}
