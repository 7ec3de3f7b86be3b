/**
 * Time and coverage of demand forecasts at growing numbers of series, by day and by week as
 * `millrace forecast` makes them, on generated demand whose last days are held out.
 * `node infra/bench/forecast-sizes.ts [SERIES ...]`, sizes rising: memory is that of the process so far.
 */

import { createRandom } from "../../ml/index.ts";
import { DAY_MS, forecastLakeDemand } from "../../ml/plugins/forecast/index.ts";

const HISTORY_DAYS = 182;
const HORIZON_DAYS = 28;
/** 2026-06-28, a Sunday: the held-out days are whole weeks. */
const LAST_DAY = Date.UTC(2026, 5, 28) / DAY_MS;

for (const series of sizes(process.argv.slice(2)))
  process.stdout.write(`${JSON.stringify(measure(series))}\n`);

function sizes(args: readonly string[]): number[] {
  const given = args.map(Number);
  if (given.every((series) => Number.isInteger(series) && series >= 1)) {
    return given.length > 0 ? given : [1000, 3000, 10_000];
  }
  process.stderr.write("forecast-sizes: give numbers of series, 1 or more\n");
  process.exit(2);
}

function measure(count: number): Record<string, number> {
  const panel = demandPanel(count);
  const histories = panel.map((values) => values.subarray(0, HISTORY_DAYS));
  const cpu = process.cpuUsage();
  const started = performance.now();
  const forecasts = forecastLakeDemand(
    {
      keys: panel.map((_, s) => ({ productId: `p${s}`, warehouseId: null })),
      series: histories,
      lastDay: LAST_DAY,
    },
    { horizonDays: HORIZON_DAYS, seed: 1 },
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const measured: Record<string, number> = {
    series: count,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1000,
  };
  for (const { step, horizon, mean, lower80, upper80, lower95, upper95 } of forecasts) {
    const days = step === "day" ? 1 : 7;
    let [inner, outer, error, units, signed] = [0, 0, 0, 0, 0];
    panel.forEach((values, s) => {
      for (let h = 0; h < horizon; h++) {
        const from = HISTORY_DAYS + h * days;
        const actual = values.subarray(from, from + days).reduce((total, value) => total + value, 0);
        const at = s * horizon + h;
        if (actual >= lower80[at] && actual <= upper80[at]) inner++;
        if (actual >= lower95[at] && actual <= upper95[at]) outer++;
        error += Math.abs(mean[at] - actual);
        signed += mean[at] - actual;
        units += actual;
      }
    });
    measured[`${step}Coverage80`] = inner / mean.length;
    measured[`${step}Coverage95`] = outer / mean.length;
    measured[`${step}Wape`] = error / units;
    measured[`${step}Bias`] = signed / units;
  }
  return measured;
}

/** Orders that come by chance, more of them on working days, of sizes that are mostly small. */
function demandPanel(count: number): Float64Array[] {
  const random = createRandom(5);
  return Array.from({ length: count }, () => {
    const chance = 0.1 + 0.9 * random() ** 2;
    const size = 1 + 20 * random() ** 2;
    return Float64Array.from({ length: HISTORY_DAYS + HORIZON_DAYS }, (_, t) => {
      // The last day of the history is a Sunday.
      const weekend = (t - HISTORY_DAYS + 1 + 700) % 7 < 1 || (t - HISTORY_DAYS + 2 + 700) % 7 < 1;
      return random() < chance * (weekend ? 0.5 : 1) ? Math.ceil(-size * Math.log(1 - random())) : 0;
    });
  });
}
