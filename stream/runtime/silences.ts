/** Looks at an input that found nothing before it is silent, however much time passed between two of them. */
const LOOKS_MIN = 4;

interface Silence {
  lastedMs: number;
  told: boolean;
  broken: boolean;
}

/**
 * Which tasks' inputs are silent: looked at again and again for `idleAfterMs`, and had nothing. A process
 * that stood still, or a log that has yet to deliver, says nothing of the input: else what a stall holds
 * up would be late. Nothing is silent before the first record of any.
 */
export class Silences {
  private readonly idleAfterMs: number;
  private readonly silences: readonly Silence[];
  private hadRecords = false;
  private lookedAt = Number.POSITIVE_INFINITY;

  constructor(idleAfterMs: number, tasks: number) {
    this.idleAfterMs = idleAfterMs;
    this.silences = Array.from({ length: tasks }, () => ({ lastedMs: 0, told: true, broken: false }));
  }

  /** Notes that the task had a record. */
  break(task: number): void {
    this.silences[task].broken = true;
  }

  /** A look at all inputs; the tasks that are silent from now on. `isBehind`: the log has records for the task. */
  look(now: number, isBehind: (task: number) => boolean): number[] {
    const first = !this.hadRecords && this.silences.some(({ broken }) => broken);
    this.hadRecords ||= first;
    const lookMs = Math.max(0, Math.min(now - this.lookedAt, this.idleAfterMs / LOOKS_MIN));
    this.lookedAt = now;
    const silent: number[] = [];
    for (const [task, silence] of this.silences.entries()) {
      if (silence.broken || first) Object.assign(silence, { lastedMs: 0, told: false, broken: false });
      else if (!silence.told) silence.lastedMs = isBehind(task) ? 0 : silence.lastedMs + lookMs;
      if (silence.told || silence.lastedMs < this.idleAfterMs) continue;
      silence.told = true;
      silent.push(task);
    }
    return silent;
  }
}
