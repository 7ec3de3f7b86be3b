import { isOrderScorer, type OrderScorerPlugin } from "./order-scorer.ts";
import { isSessionScorer, type MlPlugin, type SessionScorerPlugin } from "./plugin.ts";
import * as plugins from "./plugins/index.ts";

/** Every ML plugin, by name. */
export const mlPlugins: readonly MlPlugin[] = Object.values(plugins);

/** Those of them that score sessions in the stream. */
export const sessionScorers: readonly SessionScorerPlugin[] = mlPlugins.filter(isSessionScorer);

/** Those that score orders in the stream. */
export const orderScorers: readonly OrderScorerPlugin[] = mlPlugins.filter(isOrderScorer);
