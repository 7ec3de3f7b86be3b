/** Attributes CPU time to the stages of a task; `lap` books what passed since the last lap. */
export interface StageClock {
  lap(stage: string): void;
}

/** Measures nothing. */
export const noStageClock: StageClock = { lap: () => undefined };

/** Books the CPU time of the calling thread, as `cpuMicros` reads it, to named stages. */
export class CpuStageClock implements StageClock {
  readonly microsByStage = new Map<string, number>();
  private readonly cpuMicros: () => number;
  private last: number;

  constructor(cpuMicros: () => number) {
    this.cpuMicros = cpuMicros;
    this.last = cpuMicros();
  }

  lap(stage: string): void {
    const now = this.cpuMicros();
    this.microsByStage.set(stage, (this.microsByStage.get(stage) ?? 0) + now - this.last);
    this.last = now;
  }
}
