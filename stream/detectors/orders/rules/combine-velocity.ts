import { KeyDictionary, type SlotArray, StateSection, type TextColumn } from "../../../../schema/index.ts";
import { KeyedSlots } from "../../../operators/keyed-slots.ts";
import { PaneBlockKind, PaneBlockReader } from "../../../operators/pane-block.ts";
import { SourceWatermarks } from "../../../operators/source-watermarks.ts";
import { TextRecords } from "../../../operators/text-records.ts";
import type { Alert } from "../../../ports/alert-bus.ts";
import type { Combiner, CombinerDeps } from "../../detector.ts";
import { createOrderAlerts } from "./order-alerts.ts";
import { readVelocity, type VelocityEntry, velocitySource } from "./velocity-block.ts";

/** How often entries that no window reaches any more are looked for, ms of event time. */
const DROP_EVERY_MS = 600_000;
/** How late an order may come, behind what else its task has seen, and still be counted, ms of event time. */
const LATE_MS_MAX = 3_600_000;
const NUMBERS = 3;
const WHOLES = 4;
const Whole = { next: 0, rule: 1, text: 2, told: 3 } as const;
const USED = 0;
const FREE = 1;

/**
 * Second stage of velocity rules: users, devices, cards and addresses are the same in all tasks. An order
 * counts from the time at which it was placed, so one that comes after a later one is added to the
 * count of that too, whose alert gets its next revision: what is found does not depend on who came first.
 * Orders are kept until the slowest task has passed them: where tasks read a backlog, one may be days ahead.
 */
export function combineVelocity(deps: CombinerDeps): Combiner {
  const state = new StateSection("order-velocity");
  const heads = state.int32("heads");
  const subjects = new KeyedSlots(state, "subject", [[heads, 1]]);
  const entries = new EntryPool(state);
  const rules = state.dictionary(new KeyDictionary("rule", 64));
  const texts = new TextRecords(state, "texts", 2);
  /** Up to where orders were dropped last. */
  const dropped = state.float64("dropped", Number.NEGATIVE_INFINITY);
  dropped.ensure(1);
  const sources = new SourceWatermarks(state, deps.sourceTasks.map(velocitySource));
  const report = createOrderAlerts(deps.outputs);
  const reader = new PaneBlockReader();

  function fold(entry: VelocityEntry): void {
    // Sent again behind a crash: it was counted, and what it counted with is gone.
    if (isPassed(entry, dropped.values[0])) return;
    const { slot } = subjects.open(columnOf(entry.subject), 0);
    const orders: number[] = [];
    for (let at = heads.values[slot] - 1; at >= 0; at = entries.nextOf(at)) {
      if (
        entries.timeOf(at) === entry.timeMs &&
        texts.read(entries.whole(at, Whole.text))[0] === entry.orderId
      )
        return;
      orders.push(at);
    }
    const own = entries.add(entry.timeMs, entry.withinMs, entry.orders, {
      next: heads.values[slot],
      rule: rules.internText(`${entry.severity} ${entry.rule}`),
      text: texts.store([columnOf(entry.orderId), columnOf(entry.userId)], 0),
    });
    heads.values[slot] = own + 1;
    heads.mark(slot);
    orders.push(own);
    for (const at of orders)
      if (isWithin(own, at)) tell(at, orders.filter((other) => isWithin(other, at)).length);
  }

  /** Whether an order counts for another one: not after it, and less than its window before. */
  function isWithin(at: number, of: number): boolean {
    const before = entries.timeOf(of) - entries.timeOf(at);
    return before >= 0 && before < entries.withinOf(of);
  }

  function tell(at: number, count: number): void {
    if (count < entries.ordersOf(at)) return;
    const [severity, rule] = rules.text(entries.whole(at, Whole.rule)).split(" ");
    const [orderId, userId] = texts.read(entries.whole(at, Whole.text)) as string[];
    const minutes = entries.withinOf(at) / 60_000;
    report(
      { orderId, userId, orderTime: entries.timeOf(at) },
      {
        rule,
        severity: severity as Alert["severity"],
        reason: `${count} orders within ${minutes} minutes`,
        figures: { orders: count, windowMinutes: minutes },
      },
      "raised",
      entries.countTold(at),
    );
  }

  function dropPassed(): void {
    const slowestMs = sources.watermarkMs();
    // Nothing before every task was heard of.
    if (slowestMs === Number.NEGATIVE_INFINITY || slowestMs < dropped.values[0] + DROP_EVERY_MS) return;
    dropped.values[0] = slowestMs;
    dropped.mark(0);
    subjects.each((slot) => dropOld(slot, slowestMs));
  }

  function dropOld(slot: number, timeMs: number): void {
    let before = -1;
    for (let at = heads.values[slot] - 1; at >= 0; ) {
      const next = entries.nextOf(at);
      if (!isPassed({ timeMs: entries.timeOf(at), withinMs: entries.withinOf(at) }, timeMs)) before = at;
      else {
        if (before < 0) heads.values[slot] = next + 1;
        else entries.setNext(before, next + 1);
        texts.free(entries.whole(at, Whole.text));
        entries.free(at);
      }
      at = next;
    }
    heads.mark(slot);
    if (heads.values[slot] === 0) subjects.remove(slot);
  }

  return {
    state,
    fold(bytes, start) {
      reader.openBlock(bytes, start);
      const kind = reader.u8();
      reader.f64();
      const taskTimeMs = reader.f64();
      reader.text();
      const source = sources.source(bytes, reader.textStart, reader.textEnd);
      if (kind === PaneBlockKind.idle) sources.setIdle(source);
      else if (kind === PaneBlockKind.behind) sources.setBehind(source, taskTimeMs);
      else fold(readVelocity(reader));
      dropPassed();
    },
    afterRestore: () => subjects.afterRestore(),
  };
}

/** Whether no order that may still come counts with this one. */
function isPassed(
  { timeMs, withinMs }: Pick<VelocityEntry, "timeMs" | "withinMs">,
  slowestMs: number,
): boolean {
  return timeMs + 2 * withinMs + LATE_MS_MAX < slowestMs;
}

/** Orders of subjects, in chains, in slots that are used again. */
class EntryPool {
  private readonly numbers: SlotArray<Float64Array>;
  private readonly wholes: SlotArray<Int32Array>;
  private readonly counts: SlotArray<Int32Array>;

  constructor(section: StateSection) {
    this.numbers = section.float64("entry-numbers");
    this.wholes = section.int32("entry-wholes");
    this.counts = section.int32("entry-counts");
    this.counts.ensure(2);
  }

  add(
    timeMs: number,
    withinMs: number,
    orders: number,
    { next, rule, text }: { readonly next: number; readonly rule: number; readonly text: number },
  ): number {
    const at = this.take();
    this.numbers.values.set([timeMs, withinMs, orders], at * NUMBERS);
    this.wholes.values.set([next, rule, text, 0], at * WHOLES);
    this.numbers.markRange(at * NUMBERS, (at + 1) * NUMBERS);
    this.wholes.markRange(at * WHOLES, (at + 1) * WHOLES);
    return at;
  }

  timeOf(at: number): number {
    return this.numbers.values[at * NUMBERS];
  }

  withinOf(at: number): number {
    return this.numbers.values[at * NUMBERS + 1];
  }

  ordersOf(at: number): number {
    return this.numbers.values[at * NUMBERS + 2];
  }

  whole(at: number, field: number): number {
    return this.wholes.values[at * WHOLES + field];
  }

  nextOf(at: number): number {
    return this.whole(at, Whole.next) - 1;
  }

  setNext(at: number, next: number): void {
    this.wholes.values[at * WHOLES + Whole.next] = next;
    this.wholes.mark(at * WHOLES);
  }

  /** The next revision of what was told of the entry. */
  countTold(at: number): number {
    this.wholes.values[at * WHOLES + Whole.told] += 1;
    this.wholes.mark(at * WHOLES + Whole.told);
    return this.whole(at, Whole.told);
  }

  free(at: number): void {
    this.setNext(at, this.counts.values[FREE]);
    this.counts.values[FREE] = at + 1;
    this.counts.mark(FREE);
  }

  private take(): number {
    this.counts.mark(0);
    const free = this.counts.values[FREE] - 1;
    if (free >= 0) {
      this.counts.values[FREE] = this.whole(free, Whole.next);
      return free;
    }
    const at = this.counts.values[USED]++;
    this.numbers.ensure((at + 1) * NUMBERS);
    this.wholes.ensure((at + 1) * WHOLES);
    return at;
  }
}

const utf8 = new TextEncoder();

function columnOf(text: string): TextColumn {
  const bytes = utf8.encode(text);
  // Hashing reads whole words.
  return { kind: "text", bytes, start: Int32Array.of(0), end: Int32Array.of(bytes.length) };
}
