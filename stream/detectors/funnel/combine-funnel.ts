import { StateSection } from "../../../schema/index.ts";
import { copyBlock, PaneBlockKind, PaneBlockReader } from "../../operators/pane-block.ts";
import { PutOff } from "../../operators/put-off.ts";
import { SourceWatermarks } from "../../operators/source-watermarks.ts";
import { sourceName } from "../../operators/window-sums.ts";
import type { Combiner, CombinerDeps } from "../detector.ts";
import { type DayTotal, DayTotals } from "./day-totals.ts";
import { FUNNEL, FUNNEL_TOPIC, type FunnelConfig, PANE_MS } from "./fold-funnel.ts";
import { BASES, type Basis, KeyHead, readFunnelGroup } from "./funnel-key.ts";
import { DAY_MS } from "./funnel-sums.ts";
import { goldFunnel } from "./funnel-table.ts";
import { STEPS } from "./journeys.ts";
import { BUCKET_COUNT, medianOf, writeBuckets } from "./time-buckets.ts";

/** Hot namespace; key `latest` → {@link FunnelRecord}. */
export const FUNNEL_RECORD = "funnel";

/** The newest day that has journeys, as far as it is known. */
export interface FunnelRecord {
  readonly windowStart: number;
  readonly windowEnd: number;
  /** Complete up to here, event time, ms; null at the end of the input. */
  readonly watermarkMs: number | null;
  readonly funnels: readonly { readonly basis: Basis; readonly steps: readonly FunnelRecordStep[] }[];
}

export interface FunnelRecordStep {
  readonly step: (typeof STEPS)[number];
  readonly journeys: number;
  /** Median time from the step before: the bound of its bucket. Null for the first and where nobody came. */
  readonly medianMs: number | null;
}

/** How far an idle source may be behind the others and still change their days, ms of event time. */
const IDLE_MS_MAX = DAY_MS;
const LAST_DUE = 0;
const REPORTED = 1;
const CLOSED_DAY = 2;
const DROPPED_BLOCKS = 3;
const DROPPED_INCREMENTS = 4;
const NUMBERS = 5;
/** Sums of a step of a block. */
const STEP_SUMS = 64;
/** Blocks that wait to be added: one of each task, in a minute that closes. More come in a backlog only. */
const BLOCKS_MAX = 8;

/** Second stage: the days' funnels by group, reported as event time goes on, and the newest day for the hot store. */
export function combineFunnel(config: FunnelConfig, deps: CombinerDeps): Combiner {
  const state = new StateSection(FUNNEL);
  const sources = new SourceWatermarks(
    state,
    deps.sourceTasks.map((task) => sourceName(task, FUNNEL_TOPIC)),
  );
  const totals = new DayTotals(state);
  const numbers = state.float64("numbers");
  numbers.ensure(NUMBERS);
  numbers.values.fill(Number.NEGATIVE_INFINITY, 0, CLOSED_DAY + 1);
  numbers.mark(0);
  const reader = new PaneBlockReader();
  const writeRow = openFunnelRows(deps, totals);
  /** Blocks that are to be added, with what each makes due. */
  const blocks = new PutOff();
  /** Whether the hot record is to be written anew. */
  let isHotDue = false;

  function fold(bytes: Uint8Array, start: number, end: number): void {
    if (blocks.length === BLOCKS_MAX) blocks.finish();
    blocks.add(foldBlock(copyBlock(bytes, start, end)));
  }

  function* foldBlock(bytes: Uint8Array): Generator<number, void> {
    reader.openBlock(bytes, 0);
    const kind = reader.u8();
    const sequence = reader.f64();
    const watermarkMs = reader.f64();
    reader.text();
    const source = sources.source(bytes, reader.textStart, reader.textEnd);
    if (kind === PaneBlockKind.idle) sources.setIdle(source);
    else if (kind === PaneBlockKind.behind) sources.setBehind(source, watermarkMs);
    else if (sources.accept(source, sequence, watermarkMs)) yield* foldPanes();
    else numbers.values[DROPPED_BLOCKS] += 1;
    numbers.mark(0);
    yield* advance();
  }

  function* foldPanes(): Generator<number, void> {
    for (let panes = reader.u32(); panes > 0; panes--) {
      const paneDay = Math.floor(reader.f64() / DAY_MS);
      for (let sums = reader.u32(); sums > 0; sums -= STEP_SUMS) {
        const step = Math.min(sums, STEP_SUMS);
        for (let i = 0; i < step; i++) foldSum(paneDay);
        yield step;
      }
    }
  }

  function foldSum(paneDay: number): void {
    reader.text();
    const { bytes, textStart, textEnd } = reader;
    const day = paneDay - bytes[textStart + KeyHead.days];
    const measure = bytes[textStart + KeyHead.measure];
    const amount = reader.f64();
    if (day < numbers.values[CLOSED_DAY]) numbers.values[DROPPED_INCREMENTS] += 1;
    // What late rows moved within a pane adds nothing.
    else if (amount !== 0) {
      totals.add(day, totals.groups.intern(bytes, textStart + KeyHead.group, textEnd), measure, amount);
    }
  }

  /** Rows of what changed, at every boundary of the report interval and where no source is active; the hot record at every pane's. */
  function* advance(): Generator<number, void> {
    const watermarkMs = sources.watermarkMs();
    const due = Math.floor(watermarkMs / PANE_MS) * PANE_MS;
    const { values } = numbers;
    const mayWait = sources.mayWait(watermarkMs);
    if (due === values[LAST_DUE] && mayWait) return;
    values[LAST_DUE] = due;
    const report = Math.floor(due / config.funnelReportMs) * config.funnelReportMs;
    if (report !== values[REPORTED] || !mayWait) yield* reportChanged();
    values[REPORTED] = report;
    isHotDue = true;
    if (Number.isFinite(due)) {
      // An idle source that goes on brings what lies between.
      const open = Math.min(watermarkMs, sources.slowestMs(watermarkMs - IDLE_MS_MAX));
      yield* drop(open - deps.time.allowedLatenessMs);
    }
    numbers.mark(0);
  }

  function* reportChanged(): Generator<number, void> {
    let rows = 0;
    for (const total of totals.takeChanged()) {
      writeRow(total);
      rows += 1;
      if (rows % STEP_SUMS === 0) yield STEP_SUMS;
    }
  }

  /** A journey goes on for a day at most, so a day is closed a day after its end. */
  function* drop(closeMs: number): Generator<number, void> {
    const day = Math.floor((closeMs - DAY_MS) / DAY_MS);
    if (day <= numbers.values[CLOSED_DAY]) return;
    yield* reportChanged();
    totals.dropBefore(day);
    numbers.values[CLOSED_DAY] = day;
  }

  return {
    state,
    fold,
    emitSome: (rowsMax) => blocks.some(rowsMax),
    afterRestore: () => totals.afterRestore(),
    markHot() {
      isHotDue = true;
    },
    flushHot(outputs) {
      // In the middle of a block the sums are of no one moment.
      if (!blocks.isEmpty) return;
      const watermarkMs = sources.watermarkMs();
      const record = isHotDue ? recordOf(totals, Number.isFinite(watermarkMs) ? watermarkMs : null) : null;
      isHotDue = false;
      if (record !== null) {
        outputs.namespace(FUNNEL_RECORD, deps.hotTtlMs).put("latest", JSON.stringify(record));
      }
    },
  };
}

function openFunnelRows(deps: CombinerDeps, totals: DayTotals) {
  const rows = deps.outputs.openRows(goldFunnel);
  const out = {
    start: rows.float64("window_start"),
    end: rows.float64("window_end"),
    basis: rows.text("basis"),
    category: rows.text("category_id"),
    device: rows.text("device"),
    country: rows.text("country"),
    revision: rows.int32("revision"),
  };
  const counts = ["views", "carts", "checkouts", "purchases"].map((name) => rows.int32(name));
  const medians = STEPS.slice(1).map((step) => rows.float64(`${step}_median_ms`));
  const times = STEPS.slice(1).map((step) => rows.text(`${step}_times`));

  return function writeRow(total: DayTotal): void {
    const group = readFunnelGroup(totals.groups.bytesOf(total.group));
    const row = rows.next();
    out.start.values[row] = total.day * DAY_MS;
    out.end.values[row] = (total.day + 1) * DAY_MS;
    rows.setText(out.basis, row, group.basis);
    rows.setText(out.category, row, group.categoryId);
    rows.setText(out.device, row, group.device);
    rows.setText(out.country, row, group.country);
    for (const [step, column] of counts.entries()) column.values[row] = total.counts[step];
    for (const [i, column] of medians.entries()) {
      const median = medianOf(total.times[i]);
      column.values[row] = median ?? 0;
      if (column.valid !== null) column.valid[row] = median === null ? 0 : 1;
      rows.setText(times[i], row, writeBuckets(total.times[i]));
    }
    out.revision.values[row] = total.revision;
  };
}

function recordOf(totals: DayTotals, watermarkMs: number | null): FunnelRecord | null {
  const day = totals.days().at(-1);
  if (day === undefined) return null;
  const sums = BASES.map(() => ({
    counts: new Float64Array(STEPS.length),
    times: STEPS.slice(1).map(() => new Float64Array(BUCKET_COUNT)),
  }));
  totals.addUp(day, sums, (group) => totals.groups.heap[totals.groups.start(group)]);
  const funnels = BASES.map((basis, i) => ({
    basis,
    steps: STEPS.map((step, at) => ({
      step,
      journeys: sums[i].counts[at],
      medianMs: at === 0 ? null : medianOf(sums[i].times[at - 1]),
    })),
  }));
  return { windowStart: day * DAY_MS, windowEnd: (day + 1) * DAY_MS, watermarkMs, funnels };
}
