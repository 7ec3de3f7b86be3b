import { type EventBatch, StateSection } from "../../schema/index.ts";
import type { FeatureKeys, FeatureState, SessionScorerPlugin } from "../plugin.ts";

/** All feature groups of a plugin behind one fold and one read: the whole vector. */
export interface FeatureSet<B extends EventBatch = EventBatch> extends FeatureState<B> {
  readonly featureNames: readonly string[];
  /** Those whose drift raises no alert, see {@link FeatureGroup.timeBound}. */
  readonly timeBound: readonly string[];
  /** One per group, for the checkpoint. */
  readonly sections: readonly StateSection[];
}

/** Names of the whole vector, the groups one after the other. */
export function featureNames(plugin: SessionScorerPlugin): readonly string[] {
  return plugin.features.flatMap((group) => group.features);
}

/** Makes the state of one task for all groups of a plugin; each plugin of a task has a prefix of its own. */
export function createFeatureSet<B extends EventBatch>(
  plugin: SessionScorerPlugin<B>,
  keys: FeatureKeys,
  sectionPrefix = "features",
): FeatureSet<B> {
  const sections = plugin.features.map((group) => new StateSection(`${sectionPrefix}-${group.name}`));
  const states = plugin.features.map((group, index) => group.createState(sections[index], keys));
  const widths = plugin.features.map((group) => group.features.length);
  return {
    featureNames: featureNames(plugin),
    timeBound: plugin.features.flatMap((group) => group.timeBound ?? []),
    sections,
    ensure() {
      for (const state of states) state.ensure();
    },
    readAhead(slots, from, to) {
      for (const state of states) state.readAhead(slots, from, to);
    },
    fold(batch, row) {
      for (const state of states) state.fold(batch, row);
    },
    read(slot, nowMs, out, base) {
      let at = base;
      for (let group = 0; group < states.length; group++) {
        states[group].read(slot, nowMs, out, at);
        at += widths[group];
      }
    },
  };
}
