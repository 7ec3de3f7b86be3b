import { AccuracyTotals } from "../../../ml/plugins/forecast/accuracy.ts";
import { readOrderDemand } from "../../../ml/plugins/forecast/order-demand.ts";
import { forecastPanel } from "../../../ml/plugins/forecast/panel-forecast.ts";
import { type Comparison, timed } from "./comparison.ts";

/** Weeks of history, as `millrace evaluate forecast --orders` has them. */
const ORIGINS = [30, 31, 32, 33, 34];
const HORIZON = 4;

export const forecastComparison: Comparison = {
  name: "forecast",
  file: "orders/online-retail-2010-12-to-2011-08.csv.gz",
  script: "forecast.py",
  async measureOurs(file, folder, { seed }) {
    const { cleaned, sold } = await readOrderDemand(file);
    folder.write("cleaned", cleaned);
    folder.write("sold", sold);
    folder.write("origins", Int32Array.from(ORIGINS));
    folder.write("horizon", Int32Array.of(HORIZON));
    const totals = new AccuracyTotals();
    const forecast = await timed(() => {
      for (const origin of ORIGINS) {
        const histories = cleaned.map((values) => values.subarray(0, origin));
        const { mean } = forecastPanel(histories, { horizon: HORIZON, period: 1, seed });
        sold.forEach((values, s) => {
          const actual = values.subarray(origin, origin + HORIZON);
          totals.add(mean.subarray(s * HORIZON, (s + 1) * HORIZON), actual, histories[s], 1);
        });
      }
    });
    const { wape, bias } = totals.figures();
    return [
      // Fitting and forecasting are one step, here and in the other library.
      {
        name: "ours, combination",
        figures: { WAPE: wape ?? Number.NaN, bias: bias ?? Number.NaN },
        trainingSeconds: forecast.seconds,
        scoringSeconds: 0,
      },
    ];
  },
};
