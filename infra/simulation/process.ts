import type { Scheduler } from "./scheduler.ts";

/**
 * A process that can be killed or stopped at any moment. All that its code waits for is delivered
 * through it: after the kill nothing is, so whatever it had begun stays where it is for ever.
 */
export class SimulatedProcess {
  readonly name: string;
  /** Those that took tasks up later have higher ones. */
  number: number;
  /** Its wall clock is so much off. */
  readonly skewMs: number;
  private readonly scheduler: Scheduler;
  private state: "running" | "paused" | "dead" = "running";
  private held: (() => void)[] = [];

  constructor(
    name: string,
    scheduler: Scheduler,
    options: { readonly number?: number; readonly skewMs?: number } = {},
  ) {
    this.name = name;
    this.number = options.number ?? 0;
    this.scheduler = scheduler;
    this.skewMs = options.skewMs ?? 0;
  }

  get isDead(): boolean {
    return this.state === "dead";
  }

  get isPaused(): boolean {
    return this.state === "paused";
  }

  /** Its wall clock, whole ms since the epoch. */
  readonly clock = (): number => Math.floor(this.scheduler.nowMs + this.skewMs);

  /** Runs its code: now, when it goes on, or never. */
  deliver(run: () => void): void {
    if (this.state === "running") run();
    else if (this.state === "paused") this.held.push(run);
  }

  /** As {@link deliver}, after so many ms of the world's time; what it returns calls that off. */
  deliverAfter(ms: number, run: () => void): () => void {
    return this.scheduler.after(ms, () => this.deliver(run));
  }

  /** SIGKILL. */
  kill(): void {
    this.state = "dead";
    this.held = [];
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.state === "running") this.state = "paused";
  }

  /** SIGCONT: finds everything that came meanwhile, in its order. */
  resume(): void {
    if (this.state !== "paused") return;
    this.state = "running";
    const { held } = this;
    this.held = [];
    for (const run of held) this.deliverAfter(0, run);
  }
}
