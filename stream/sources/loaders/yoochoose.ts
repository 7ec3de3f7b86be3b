import { secondsToMs, utcTime } from "./field-values.ts";
import { columnPositions, type MapperContext, type RowFormat, type RowLayout } from "./format.ts";

interface Columns {
  readonly session: number;
  readonly item: number;
  readonly time: number;
  readonly category: number;
  readonly timeOf: (text: string) => number | null;
}

/** Clicks of RecSys Challenge 2015: tab-separated with a header, or the original comma form without one. */
export const yoochooseFormat: RowFormat = {
  name: "yoochoose",
  doc: "Yoochoose clicks (RecSys 2015): SessionId, ItemId, Time by tabs, or the original yoochoose-clicks.dat",
  topics: ["customer-events"],
  expected: "SessionId<TAB>ItemId<TAB>Time",
  recognise(firstLine) {
    const positions = columnPositions(firstLine, "\t", ["SessionId", "ItemId", "Time"]);
    if (positions !== null) {
      const [session, item, time] = positions;
      return layout("\t", true, { session, item, time, category: -1, timeOf: secondsToMs });
    }
    if (!/^\d+,\d{4}-\d\d-\d\dT[\d:.]+Z,\d+,[^,]*$/.test(firstLine)) return null;
    return layout(",", false, { session: 0, time: 1, item: 2, category: 3, timeOf: utcTime });
  },
};

function layout(delimiter: "," | "\t", header: boolean, columns: Columns): RowLayout {
  const { session, item, time, category, timeOf } = columns;
  const width = Math.max(session, item, time, category) + 1;
  const createMapper = (context: MapperContext) => ({
    row(fields: readonly string[], line: number): string | null {
      if (fields.length < width) return "missing-columns";
      const ms = timeOf(fields[time]);
      if (ms === null) return "bad-time";
      if (fields[session] === "") return "missing-session";
      if (fields[item] === "") return "missing-product";
      // The set knows sessions, not people: each session is its own user. Category 0 means unknown.
      const known = category >= 0 && fields[category] !== "0" && fields[category] !== "";
      context.emit("customer-events", fields[session], {
        eventId: context.eventId(line),
        eventType: "item_view",
        eventTime: context.time(ms),
        userId: fields[session],
        sessionId: fields[session],
        productId: fields[item],
        categoryId: known ? fields[category] : undefined,
      });
      return null;
    },
  });
  return { delimiter, header, createMapper };
}
