/**
 * Memory and time of the recommender at growing sizes, on generated sessions whose items are as
 * unequal as Zipf's law. `node infra/bench/recommend-sizes.ts [EVENTS ...]`, sizes rising:
 * the peak of memory is that of the process so far. A hundred events an item.
 */

import { createRandom } from "../../ml/index.ts";
import {
  DEFAULT_OPTIONS,
  encodeRecommender,
  ItemSimilarity,
  type SessionLog,
  trainRecommender,
} from "../../ml/plugins/recommend/index.ts";
import { StateSection } from "../../schema/index.ts";

const EVENTS_PER_ITEM = 100;
const ANSWERS = 2000;
const MEGA = 1e6;

for (const events of sizes(process.argv.slice(2)))
  process.stdout.write(`${JSON.stringify(measure(events))}\n`);

function sizes(args: readonly string[]): number[] {
  const given = args.map(Number);
  if (given.every((events) => Number.isInteger(events) && events >= 1000)) {
    return given.length > 0 ? given : [500_000, 1_500_000, 5_000_000];
  }
  process.stderr.write("recommend-sizes: give numbers of events, 1000 or more\n");
  process.exit(2);
}

function measure(events: number): Record<string, number> {
  const log = zipfSessions(events, Math.round(events / EVENTS_PER_ITEM));
  const cpu = process.cpuUsage();
  // The trees see a bounded number of cases: their time does not grow with the log.
  const recommender = trainRecommender(log, { seed: 1, options: { ...DEFAULT_OPTIONS, ranking: null } });
  const buildCpuSeconds = cpuSeconds(cpu);
  const times = new Float64Array(ANSWERS);
  for (let k = 0; k < ANSWERS; k++) {
    const session = log.starts.length - 2 - k;
    const prefix = log.items.subarray(log.starts[session], log.starts[session + 1]);
    const started = performance.now();
    recommender.rank(prefix, { count: 20, mode: "all" });
    times[k] = performance.now() - started;
  }
  times.sort();
  return {
    events,
    items: log.itemNumbers.length,
    neighbours: recommender.base.transitions.targets.length,
    buildCpuSeconds,
    peakRssMb: process.resourceUsage().maxRSS / 1000,
    modelMb: encodeRecommender(recommender).length / MEGA,
    answerP50Ms: times[ANSWERS / 2],
    answerP99Ms: times[Math.floor(0.99 * ANSWERS)],
    ...measureFolds(log),
  };
}

function measureFolds(log: SessionLog): Record<string, number> {
  const section = new StateSection("online");
  const state = new ItemSimilarity(section);
  const cpu = process.cpuUsage();
  state.ensure(log.itemNumbers.length);
  for (let s = 0; s + 1 < log.starts.length; s++) {
    const session = log.items.subarray(log.starts[s], log.starts[s + 1]);
    for (let length = 1; length <= session.length; length++) state.learn(session, length, s * 1000);
  }
  const stateBytes = section.arrays.reduce((total, { values }) => total + values.byteLength, 0);
  return { foldsPerCpuSecond: log.items.length / cpuSeconds(cpu), foldStateMb: stateBytes / MEGA };
}

/** Half of the steps go to one of the ten items that follow, the others anywhere. */
function zipfSessions(events: number, items: number): SessionLog {
  const random = createRandom(1);
  const list = new Int32Array(events);
  const starts = [0];
  for (let event = 0; event < events; ) {
    const end = Math.min(events, event + 2 + Math.floor(7 * random()));
    for (let first = event; event < end; event++) {
      const follows = event > first && random() < 0.5;
      const item = follows
        ? list[event - 1] + 1 + Math.floor(10 * random())
        : Math.floor(items ** random()) - 1;
      list[event] = item % items;
    }
    starts.push(end);
  }
  return {
    itemNumbers: Float64Array.from({ length: items }, (_, item) => item),
    items: list,
    starts: Int32Array.from(starts),
  };
}

/** Processor time since then: on a busy machine it says more than the clock. */
function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
