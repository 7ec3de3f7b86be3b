import { parseArgs } from "node:util";
import { simulateSeed } from "./simulate.ts";

const USAGE = `npm run simulate -- [--seeds 200] [--from 1]     simulates so many seeds from that one on
npm run simulate -- --seed N [--trace]             repeats one, and prints all that happens in it
`;

/** Everything of one number; null where it is none. */
function whole(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function plannedSeeds(): { readonly seeds: readonly number[]; readonly trace: boolean } | null {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
    },
  });
  const only = values.seed === undefined ? null : whole(values.seed);
  const count = whole(values.seeds);
  const from = whole(values.from);
  if ((values.seed !== undefined && only === null) || count === null || from === null) return null;
  const seeds = only === null ? Array.from({ length: count }, (_, i) => from + i) : [only];
  return { seeds, trace: values.trace };
}

const plan = plannedSeeds();
if (plan === null) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const totals = { starts: 0, crashes: 0, pauses: 0, fenced: 0, failures: 0, staleHot: 0 };
let failed = 0;
for (const seed of plan.seeds) {
  const { problems, faulted, staleHot } = await simulateSeed(
    seed,
    plan.trace ? (line) => process.stdout.write(line) : undefined,
  );
  const { starts, crashes, pauses, fenced, failures } = faulted.counts;
  const counts = { starts, crashes, pauses, fenced, failures, staleHot };
  for (const [name, count] of Object.entries(counts)) totals[name as keyof typeof totals] += count;
  const seconds = (faulted.virtualMs / 1000).toFixed(0);
  process.stdout.write(
    `seed ${seed}: ${problems.length === 0 ? "ok" : "FAILED"}, ${seconds} s, ${starts} workers, ` +
      `${crashes} kills, ${pauses} pauses, ${fenced} fenced, ${failures} gave up, digest ${faulted.digest.slice(0, 12)}\n`,
  );
  if (problems.length === 0) continue;
  failed++;
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
  process.stdout.write(`  repeat it with: npm run simulate -- --seed ${seed} --trace\n`);
}
process.stdout.write(
  `${plan.seeds.length - failed} of ${plan.seeds.length} seeds without loss or repeat; ${totals.crashes} kills, ` +
    `${totals.pauses} pauses, ${totals.fenced} fenced, ${totals.failures} gave up; ${totals.staleHot} hot values left stale\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
