import type { Cluster, Member } from "./cluster.ts";
import type { Faults } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";

/** Mean time between two blows. */
const BLOW_EVERY_MS = 2_500;
/** Points of the protocol at which processes die: those around a table's commit come sixteen times as often. */
const TABLE_POINT_DEATHS = 0.002;
const POINT_DEATHS = 0.012;

/** A network on a bad day; how bad differs from seed to seed. */
export function stormFaults({ random }: Scheduler): Faults {
  return {
    delayMsMean: random.pick([1, 4, 15]),
    slowShare: random.pick([0, 0.01, 0.05]),
    slowMsMax: random.pick([500, 2_000]),
    lostRequestShare: random.pick([0, 0.0005, 0.002]),
    lostAnswerShare: random.pick([0, 0.0005, 0.002]),
    twiceShare: random.pick([0, 0.01]),
    rivalShare: random.pick([0, 0.02, 0.1]),
    partShare: random.pick([0, 0.2, 0.7]),
    newsShare: random.pick([0, 0.05]),
    lateShare: random.pick([0, 0.5, 1]),
    computeMsMax: random.pick([1, 6]),
    timeoutMs: random.pick([200, 1_000]),
  };
}

export function diesAt({ random }: Scheduler, point: string): boolean {
  return random.chance(point.includes("-publish:") ? TABLE_POINT_DEATHS : POINT_DEATHS);
}

/** Kills, pauses and replaces workers at random moments until it is over. */
export class Storm {
  private readonly scheduler: Scheduler;
  private readonly cluster: Cluster;
  private readonly assign: () => readonly (readonly string[])[];
  private over = false;

  constructor(scheduler: Scheduler, cluster: Cluster, assign: () => readonly (readonly string[])[]) {
    this.scheduler = scheduler;
    this.cluster = cluster;
    this.assign = assign;
  }

  begin(): void {
    this.scheduler.after(this.scheduler.random.exponential(BLOW_EVERY_MS), () => {
      if (this.over) return;
      this.blow();
      this.begin();
    });
  }

  /** Ends it: nobody who lost his tasks lives on, and nobody sleeps. */
  end(): void {
    this.over = true;
    this.cluster.endStandingBy();
    for (const member of [...this.cluster.members]) {
      if (member.process.isPaused || !this.cluster.isOwner(member)) this.cluster.crash(member, "at the end");
    }
  }

  private blow(): void {
    const { random } = this.scheduler;
    const members = [...this.cluster.members].filter(({ process }) => !process.isPaused);
    if (members.length === 0) return;
    if (random.chance(0.3)) this.cluster.giveWay(random.pick(members), random.between(100, 15_000));
    this.cluster.standBy(this.assign().flat());
    const member = random.pick(members);
    const chance = random.unit();
    if (chance < 0.3) this.cluster.crash(member, "by chance");
    else if (chance < 0.6) this.pause(member);
    else if (chance < 0.75) this.cluster.stopAndReplace(member);
    else this.rebalance();
  }

  private pause(member: Member): void {
    const { random } = this.scheduler;
    // Long enough, now and then, that every trace of its epoch is collected before it goes on.
    const ms = random.chance(0.25) ? random.between(6_000, 25_000) : random.between(100, 6_000);
    this.cluster.pause(member, ms, random.chance(0.7) ? random.between(100, 3_000) : null);
  }

  /** New workers for all tasks; the old ones die, are asked to stop, or do not hear of it for a while. */
  private rebalance(): void {
    const { random } = this.scheduler;
    const before = [...this.cluster.members];
    for (const taskIds of this.assign()) this.cluster.start(taskIds);
    for (const member of before) {
      const chance = random.unit();
      if (chance < 0.3) this.cluster.crash(member, "for another");
      else if (chance < 0.6) this.cluster.stop(member);
      else this.scheduler.after(random.between(500, 8_000), () => this.cluster.stop(member));
    }
  }
}
