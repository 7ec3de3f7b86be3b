import type { Faults } from "./faults.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import { errorName, type Trace } from "./trace.ts";

/** What all links of a simulation share. `faults` changes when the storm is over. */
export interface Network {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  faults: Faults;
}

export interface Request<T> {
  readonly name: string;
  /** What the service does on its arrival: in one moment, durable when it returns. */
  readonly apply: () => T;
  /** What its sender is told where the request or its answer was lost. */
  readonly lost: () => Error;
  /** What its sender is told where it came twice and the second answer counts; default: that answer. */
  readonly repeated?: () => Error;
}

type Answer<T> = { readonly value: T } | { readonly error: unknown };

/**
 * The way from a process to a service. An `ordered` link is one connection: requests arrive as they
 * were sent, and behind a lost one none arrives before its sender knows. On others each request goes
 * its own way, so they overtake each other.
 */
export class Link {
  private readonly network: Network;
  private readonly process: SimulatedProcess;
  private readonly service: string;
  private readonly ordered: boolean;
  /** Arrival of the last request, and the end of an interruption; of an ordered link only. */
  private lastArrivalMs = 0;
  private brokenUntilMs = 0;

  constructor(network: Network, process: SimulatedProcess, service: string, kind: "ordered" | "unordered") {
    this.network = network;
    this.process = process;
    this.service = service;
    this.ordered = kind === "ordered";
  }

  request<T>(request: Request<T>): Promise<T> {
    const { process } = this;
    if (process.isDead) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const deliver = (answer: Answer<T>, ms: number): void => {
        process.deliverAfter(ms, () => {
          this.note(request.name, "error" in answer ? `fails: ${errorName(answer.error)}` : "answered");
          if ("error" in answer) reject(answer.error);
          else resolve(answer.value);
        });
      };
      this.network.scheduler.after(this.arrivalDelay(), () => this.arrive(request, deliver));
    });
  }

  private arrive<T>(request: Request<T>, deliver: (answer: Answer<T>, ms: number) => void): void {
    const { scheduler, faults } = this.network;
    const { random } = scheduler;
    if (this.process.isDead && !random.chance(faults.lateShare)) return;
    const cut = this.ordered && scheduler.nowMs < this.brokenUntilMs;
    if (cut || random.chance(faults.lostRequestShare)) {
      const waitMs = cut ? this.brokenUntilMs - scheduler.nowMs : faults.timeoutMs;
      this.brokenUntilMs = scheduler.nowMs + waitMs;
      this.note(request.name, "lost");
      deliver({ error: request.lost() }, waitMs);
      return;
    }
    const answer = this.apply(request);
    if (random.chance(faults.twiceShare)) {
      this.arriveAgain(request, answer, deliver);
    } else if (random.chance(faults.lostAnswerShare)) {
      this.note(request.name, "answer lost");
      this.brokenUntilMs = scheduler.nowMs + faults.timeoutMs;
      deliver({ error: request.lost() }, faults.timeoutMs);
    } else {
      deliver(answer, this.delay());
    }
  }

  /** A retry below the port: the service has done it, and does it once more. */
  private arriveAgain<T>(
    request: Request<T>,
    first: Answer<T>,
    deliver: (answer: Answer<T>, ms: number) => void,
  ): void {
    const { scheduler } = this.network;
    const secondCounts = scheduler.random.chance(0.5);
    if (!secondCounts) deliver(first, this.delay());
    const again = (): void => {
      this.note(request.name, "twice");
      const second = this.apply(request);
      if (!secondCounts) return;
      deliver(request.repeated === undefined ? second : { error: request.repeated() }, this.delay());
    };
    if (this.ordered) again();
    else scheduler.after(this.delay() * 4, again);
  }

  private apply<T>({ name, apply }: Request<T>): Answer<T> {
    this.note(name, this.process.isDead ? "arrives late" : "arrives");
    try {
      return { value: apply() };
    } catch (error) {
      return { error };
    }
  }

  private arrivalDelay(): number {
    const delay = this.delay();
    if (!this.ordered) return delay;
    const { nowMs } = this.network.scheduler;
    this.lastArrivalMs = Math.max(this.lastArrivalMs, nowMs + delay);
    return this.lastArrivalMs - nowMs;
  }

  private delay(): number {
    const { faults, scheduler } = this.network;
    const { random } = scheduler;
    const slow = random.chance(faults.slowShare) ? random.unit() * faults.slowMsMax : 0;
    return slow + (faults.delayMsMean === 0 ? 0 : random.exponential(faults.delayMsMean));
  }

  private note(request: string, what: string): void {
    const { trace, scheduler } = this.network;
    trace.note(scheduler.nowMs, `${this.process.name} ${this.service} ${request}: ${what}`);
  }
}
