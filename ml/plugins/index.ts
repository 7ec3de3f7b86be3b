import { isOrderScorer, type OrderScorerPlugin } from "../order-scorer.ts";
import { isSessionScorer, type MlPlugin, type SessionScorerPlugin } from "../plugin.ts";
import { forecast } from "./forecast/index.ts";
import { fraud } from "./fraud/index.ts";
import { propensity } from "./propensity/index.ts";
import { recommend } from "./recommend/index.ts";

/** Every ML plugin; the only list. */
export const mlPlugins: readonly MlPlugin[] = [propensity, fraud, recommend, forecast];

/** Those of them that score sessions in the stream. */
export const sessionScorers: readonly SessionScorerPlugin[] = mlPlugins.filter(isSessionScorer);

/** Those that score orders in the stream. */
export const orderScorers: readonly OrderScorerPlugin[] = mlPlugins.filter(isOrderScorer);
