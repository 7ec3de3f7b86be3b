import { silverSessions } from "../../../schema/index.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { flag, long, number, optionalText, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, PageArgs } from "../common/types.ts";
import type { Session, SessionFilter } from "./type.ts";

export class SessionsService {
  private readonly lake: LakeReader;

  constructor(lake: LakeReader) {
    this.lake = lake;
  }

  /** Closed sessions, newest start first. */
  list(filter: SessionFilter, page: PageArgs): Promise<Page<Session>> {
    return this.lake.page({
      connection: "sessions",
      table: silverSessions,
      page,
      keyset: [
        { column: "session_start", type: "time" },
        { column: "session_key", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("user_id", "=", filter.userId)
        .compare("converted", "=", filter.converted)
        .within("session_start", filter.from, filter.to),
      toNode: toSession,
    });
  }
}

function toSession(row: Row): Session {
  return {
    id: text(row, "session_key"),
    userId: text(row, "user_id"),
    start: time(row, "session_start"),
    end: time(row, "session_end"),
    durationMs: long(row, "duration_ms"),
    events: number(row, "events"),
    pageViews: number(row, "page_views"),
    cartAdds: number(row, "cart_adds"),
    purchases: number(row, "purchases"),
    revenueMinor: long(row, "revenue_minor"),
    converted: flag(row, "converted"),
    entryEventType: text(row, "entry_event_type"),
    entryProductId: optionalText(row, "entry_product_id"),
    exitEventType: text(row, "exit_event_type"),
    exitProductId: optionalText(row, "exit_product_id"),
  };
}
