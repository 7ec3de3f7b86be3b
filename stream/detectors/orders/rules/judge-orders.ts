import {
  type OrderBatch,
  type PaymentBatch,
  type RuleChangeBatch,
  StateSection,
  type TextColumn,
  utf8Decoder,
} from "../../../../schema/index.ts";
import { PaneBlockKind, PaneBlockWriter } from "../../../operators/pane-block.ts";
import type { ProfileVersion } from "../../../operators/profile-table.ts";
import type { DetectorDeps } from "../../detector.ts";
import type { JoinedOrder, OrderBook } from "../order-book.ts";
import { BuyerHistory } from "./buyer-history.ts";
import { findInJoined, findInPlaced, ruleName } from "./find.ts";
import { createOrderAlerts, type Finding, type JudgedOrder } from "./order-alerts.ts";
import type { Subject } from "./rule.ts";
import { RuleBook, type RuleInForce } from "./rule-book.ts";
import { velocitySource, writeVelocity } from "./velocity-block.ts";

/** How often the second stage is told how far the task has come, ms of event time. */
const PROGRESS_EVERY_MS = 600_000;

/**
 * Judges orders by the rules in force when they were placed. What concerns an order and its buyer's past
 * is judged at its placed record; what needs a payment or a profile whenever the joined order changes;
 * what may be shared by buyers of other tasks is sent to the second stage ({@link combineVelocity}).
 */
export class OrderJudge {
  readonly sections: readonly StateSection[];
  private readonly deps: DetectorDeps;
  private readonly book: OrderBook;
  private readonly channel: string;
  private readonly rules: RuleBook;
  private readonly buyers = new BuyerHistory();
  private readonly report;
  private readonly writer = new PaneBlockWriter();
  private readonly source: string;
  /** Steps of {@link PROGRESS_EVERY_MS} that were told; after a restart it is told again. */
  private told = Number.NaN;

  constructor(channel: string, book: OrderBook, deps: DetectorDeps) {
    this.deps = deps;
    this.book = book;
    this.channel = channel;
    this.source = velocitySource(deps.taskId);
    const state = new StateSection("orders-rules");
    this.rules = new RuleBook(state);
    this.sections = [state, this.buyers.state];
    this.report = createOrderAlerts(deps.outputs);
  }

  afterRestore(): void {
    this.rules.afterRestore();
  }

  takeChanges(batch: RuleChangeBatch): void {
    this.rules.fold(batch);
  }

  /** Tells the second stage that what it keeps for this task's sake is needed no longer. */
  advanceTask(taskTimeMs: number): void {
    const step = Math.floor(taskTimeMs / PROGRESS_EVERY_MS);
    if (step === this.told || !Number.isFinite(taskTimeMs)) return;
    this.told = step;
    const { channel, source } = this;
    const header = { channel, source, kind: PaneBlockKind.behind, watermarkMs: taskTimeMs };
    this.deps.sendBlock(source, this.writer.marker(header), null);
  }

  markIdle(): void {
    this.deps.sendBlock(this.source, this.writer.idleBlock(this.channel, this.source), null);
  }

  /** Judges an order at its placed record. */
  judgePlaced(batch: OrderBatch, row: number): void {
    const timeMs = batch.orderTime.values[row];
    const order = this.orderOf(batch, row, timeMs);
    const past = this.buyers.take(batch, row);
    const placed = {
      timeMs,
      totalMinor: batch.totalMinor.values[row],
      currency: textOf(batch.currency, row) ?? "XXX",
      past,
    };
    const subjects = {
      user: order.userId,
      device: textOf(batch.deviceId, row),
      address: textOf(batch.ipAddress, row),
    };
    for (const inForce of this.rules.at(timeMs)) {
      this.count(inForce, subjects, order);
      const finding = findInPlaced(inForce, placed);
      if (finding !== null) this.report(order, finding);
    }
  }

  /** Counts an order for the card that it is paid with, at its first payment that succeeds. */
  judgePaid(batch: PaymentBatch, row: number): void {
    const timeMs = batch.paymentTime.values[row];
    const card = textOf(batch.cardFingerprint, row);
    if (card === null) return;
    const order = this.orderOf(batch, row, timeMs);
    for (const inForce of this.rules.at(timeMs)) this.count(inForce, { card }, order);
  }

  /** Tells what rules find in an order with its payment and profile, and takes back what they no longer do. */
  judgeJoined(slot: number, joined: JoinedOrder, profile: ProfileVersion | null): void {
    const rules = this.rules.at(joined.placedTime).filter(({ rule }) => rule.kind === "country");
    const findings = rules.map((inForce) => findInJoined(inForce, joined, profile));
    const before = this.book.found(slot);
    const now = { rules: bitsOf(rules, findings), hash: hashOf(findings) };
    if (now.rules === before.rules && now.hash === before.hash) return;
    const revision = this.book.setFound(slot, now);
    const userId = this.deps.keys.userId.text(joined.user);
    const order = { orderId: joined.texts.orderId ?? "", userId, orderTime: joined.placedTime };
    for (const [i, inForce] of rules.entries()) {
      const finding = findings[i];
      if (finding !== null) this.report(order, finding, "raised", revision);
      else if ((before.rules & (1 << inForce.index)) !== 0) {
        const { severity } = inForce.rule;
        const none = { rule: ruleName(inForce), severity, reason: "the countries agree now", figures: {} };
        this.report(order, none, "retracted", revision);
      }
    }
  }

  private count(
    inForce: RuleInForce,
    subjects: Readonly<Partial<Record<Subject, string | null>>>,
    { orderId, userId, orderTime }: JudgedOrder,
  ): void {
    const { rule } = inForce;
    if (rule.kind !== "velocity") return;
    const subject = subjects[rule.of];
    // Empty, too, stands for one that is not known.
    if (!subject) return;
    const { source } = this;
    const entry = {
      subject: `${rule.id} ${subject}`,
      rule: ruleName(inForce),
      severity: rule.severity,
      orders: rule.orders,
      withinMs: rule.withinMs,
      timeMs: orderTime,
      orderId,
      userId,
    };
    // It may come again: the second stage knows the orders that it has counted.
    this.deps.sendBlock(source, writeVelocity(this.writer, this.channel, source, entry), null);
  }

  private orderOf(batch: OrderBatch | PaymentBatch, row: number, orderTime: number): JudgedOrder {
    const userId = this.deps.keys.userId.text(batch.userId.ids[row]);
    return { orderId: textOf(batch.orderId, row) ?? "", userId, orderTime };
  }
}

function textOf({ bytes, start, end }: TextColumn, row: number): string | null {
  return start[row] < 0 ? null : utf8Decoder.decode(bytes.subarray(start[row], end[row]));
}

function bitsOf(rules: readonly RuleInForce[], findings: readonly (Finding | null)[]): number {
  return rules.reduce((bits, { index }, i) => (findings[i] === null ? bits : bits | (1 << index)), 0);
}

/** 32-bit FNV-1a over what was found: whether it changed. */
function hashOf(findings: readonly (Finding | null)[]): number {
  let hash = 0;
  for (const finding of findings) {
    if (finding === null) continue;
    for (const char of finding.reason) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash;
}
