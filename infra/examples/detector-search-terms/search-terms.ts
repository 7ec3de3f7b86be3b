import { RowFlag, type SettingValues, StateSection } from "../../../schema/index.ts";
import {
  type Combiner,
  type CombinerDeps,
  type Detector,
  type DetectorDeps,
  SummedWindows,
  sourceName,
  WindowSums,
} from "../../../stream/index.ts";
import { goldSearchTerms } from "./search-terms-table.ts";
import type { searchTermsSettings } from "./settings.ts";

export const NAME = "search-terms";
const TOPIC = "customer-events";
const PANE_MS = 60_000;
/** A term is cut to this, so that nobody can fill the state with long ones. */
const TERM_BYTES_MAX = 64;
/** Bronze keeps all rows; windows leave out repeats and what came too late. */
const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const ONE = [1];

/** In each task: searches by term and minute, sent on when the minute is over. */
export function createSearchTerms({ taskId, time, sendBlock }: DetectorDeps): Detector {
  const state = new StateSection(NAME);
  const source = sourceName(taskId, TOPIC);
  const sums = new WindowSums(state, {
    channel: NAME,
    source,
    width: ONE.length,
    paneMs: PANE_MS,
    time,
    send: (bytes, sequence) => sendBlock(source, bytes, sequence),
  });
  return {
    steps: {
      [TOPIC]: {
        name: NAME,
        state,
        process(batch, from, to) {
          const { query, eventTime, flags } = batch;
          const search = batch.eventType.symbols.indexOf("search");
          for (let row = from; row < to; row++) {
            const start = query.start[row];
            if (batch.eventType.codes[row] !== search || start < 0 || (flags[row] & SKIPPED) !== 0) continue;
            const end = Math.min(query.end[row], start + TERM_BYTES_MAX);
            sums.add(eventTime.values[row], query.bytes, start, end, ONE);
          }
        },
        advance: (progress) => sums.advance(progress),
      },
    },
    advanceTask: (taskTimeMs) => sums.advanceTask(taskTimeMs),
    markIdle: () => sums.markIdle(),
  };
}

/** Over all tasks: rows of the terms of each window, and corrections while late searches come. */
export function combineSearchTerms(
  config: SettingValues<typeof searchTermsSettings>,
  { outputs, sourceTasks, time }: CombinerDeps,
): Combiner {
  const state = new StateSection(NAME);
  const rows = outputs.openRows(goldSearchTerms);
  const out = {
    start: rows.float64("window_start"),
    end: rows.float64("window_end"),
    term: rows.text("term"),
    searches: rows.int32("searches"),
    revision: rows.int32("revision"),
  };
  const windows = new SummedWindows(state, {
    sources: sourceTasks.map((task) => sourceName(task, TOPIC)),
    width: ONE.length,
    paneMs: PANE_MS,
    windowMs: config.searchTermsWindowMs,
    allowedLatenessMs: time.allowedLatenessMs,
    report({ start, end }, key, [searches], revision) {
      const row = rows.next();
      out.start.values[row] = start;
      out.end.values[row] = end;
      rows.setText(out.term, row, windows.keys.text(key));
      out.searches.values[row] = searches;
      out.revision.values[row] = revision;
    },
  });
  return {
    state,
    fold: (bytes, start) => windows.fold(bytes, start),
    afterRestore: () => windows.afterRestore(),
  };
}
