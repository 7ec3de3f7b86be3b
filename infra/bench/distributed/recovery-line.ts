import type { Recovery } from "./recovery-run.ts";

/** The way of one recovery on a line: seconds since the kill, and in brackets ms at which each step was done. */
export function recoveryLine(recovery: Recovery): string {
  const { assigned, restored, stepMs, firstResult, recovered, caughtUp } = recovery;
  const steps = Object.entries(stepMs).map(([step, ms]) => `${step} ${Math.round(ms)}`);
  return [
    `tasks assigned ${assigned.toFixed(2)} s`,
    `restored ${restored.toFixed(2)} (${steps.join(", ")} ms)`,
    `first result ${firstResult.toFixed(2)}`,
    `recovered ${recovered.toFixed(2)}`,
    `caught up ${caughtUp.toFixed(2)}`,
  ].join(", ");
}
