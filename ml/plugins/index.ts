/** Every ML plugin, one line each; the only list. */
export { forecast } from "./forecast/index.ts";
export { fraud } from "./fraud/index.ts";
export { propensity } from "./propensity/index.ts";
export { recommend } from "./recommend/index.ts";
