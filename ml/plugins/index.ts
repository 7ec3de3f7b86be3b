import type { MlPlugin } from "../plugin.ts";
import { propensity } from "./propensity/index.ts";

/** Every ML plugin; the only list. */
export const mlPlugins: readonly MlPlugin[] = [propensity];
