import { productContract, type Settings, type SettingValues, type TableSpec } from "../../schema/index.ts";
import { anomalies } from "./anomalies/index.ts";
import type { DetectorSpec } from "./detector.ts";
import { funnel } from "./funnel/index.ts";
import { inventory } from "./inventory/index.ts";
import { orders } from "./orders/index.ts";
import { revenue } from "./revenue/index.ts";

export * from "./anomalies/index.ts";
export * from "./detector.ts";
export * from "./funnel/index.ts";
export * from "./inventory/index.ts";
export * from "./orders/index.ts";
export * from "./revenue/index.ts";

/** Every detector: the only list. */
export const detectors = [orders, revenue, funnel, inventory, anomalies] as const;

/** The same, for who treats all alike. */
export const detectorSpecs: readonly DetectorSpec[] = detectors;

/** Topics of which every task reads all partitions: products, and what detectors ask for. */
export const wholeTopics: readonly string[] = [
  productContract.topic,
  ...detectorSpecs.flatMap(({ readsWhole = [] }) => readsWhole),
];

/** The tables of all detectors. */
export const detectorTables: readonly TableSpec[] = detectorSpecs.flatMap(({ tables }) => tables);

type Union = (typeof detectors)[number]["settings"];
type Intersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never;

/** The settings of all detectors, by key. */
export type DetectorSettings = Intersection<Union>;
export type DetectorConfig = SettingValues<DetectorSettings>;

export const detectorSettings = Object.assign(
  {},
  ...detectorSpecs.map(({ settings }) => settings),
) as DetectorSettings;

/** Every detector with its defaults. */
export const defaultDetectorConfig = Object.fromEntries(
  Object.entries(detectorSettings as Settings).map(([key, setting]) => [key, setting.default]),
) as unknown as DetectorConfig;
