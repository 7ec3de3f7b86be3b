import type { SlotArray, StateSection } from "../../../schema/index.ts";

export const NONE = -1;
const COUNT = 0;
const FREE = 1;
const KIND = 0;
const NEXT = 1;

/**
 * Steps that came before the step they have to follow, in chains: a late event may still put that step
 * in front of them. Links are cut and used again; a chain is as short as event time is live.
 */
export class EarlySteps {
  private readonly times: SlotArray<Float64Array>;
  private readonly links: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Int32Array>;

  constructor(section: StateSection, prefix: string) {
    this.times = section.float64(`${prefix}-early-times`);
    this.links = section.int32(`${prefix}-early-links`, NONE);
    this.numbers = section.int32(`${prefix}-early-numbers`);
    this.numbers.ensure(2);
    this.numbers.values[FREE] = NONE;
    this.numbers.mark(0);
  }

  /** Puts a step in front of the chain `head` (or {@link NONE}); the new head. */
  push(head: number, kind: number, at: number): number {
    const link = this.takeLink();
    this.times.values[link] = at;
    this.times.mark(link);
    this.setLink(link, kind, head);
    return link;
  }

  /** Visits the steps of a chain. */
  each(head: number, visit: (kind: number, at: number) => void): void {
    for (let link = head; link !== NONE; link = this.links.values[link * 2 + NEXT]) {
      visit(this.links.values[link * 2 + KIND], this.times.values[link]);
    }
  }

  /** Drops the steps that are not to be kept; the new head. */
  prune(head: number, keep: (kind: number, at: number) => boolean): number {
    let kept: number = NONE;
    for (let link = head; link !== NONE; ) {
      const next = this.links.values[link * 2 + NEXT];
      const kind = this.links.values[link * 2 + KIND];
      if (keep(kind, this.times.values[link])) {
        this.setLink(link, kind, kept);
        kept = link;
      } else this.free(link);
      link = next;
    }
    return kept;
  }

  /** One chain of both. */
  join(head: number, other: number): number {
    if (head === NONE) return other;
    let last = head;
    while (this.links.values[last * 2 + NEXT] !== NONE) last = this.links.values[last * 2 + NEXT];
    this.setLink(last, this.links.values[last * 2 + KIND], other);
    return head;
  }

  drop(head: number): void {
    if (head !== NONE) this.prune(head, () => false);
  }

  private takeLink(): number {
    const { values } = this.numbers;
    this.numbers.mark(0);
    const free = values[FREE];
    if (free !== NONE) {
      values[FREE] = this.links.values[free * 2 + NEXT];
      return free;
    }
    const link = values[COUNT];
    values[COUNT] = link + 1;
    this.times.ensure(link + 1);
    this.links.ensure((link + 1) * 2);
    return link;
  }

  private free(link: number): void {
    this.setLink(link, NONE, this.numbers.values[FREE]);
    this.numbers.values[FREE] = link;
    this.numbers.mark(0);
  }

  private setLink(link: number, kind: number, next: number): void {
    this.links.values[link * 2 + KIND] = kind;
    this.links.values[link * 2 + NEXT] = next;
    this.links.mark(link * 2);
  }
}
