import { utf8Decoder } from "../../../schema/index.ts";
import type { Scorer } from "../../plugin.ts";
import { createNetworkScorer, networkFromJson, networkToJson } from "../../training/network/dense-network.ts";
import { fitNetwork } from "../../training/network/fit-network.ts";
import type { LabelledTable } from "../../training/trees/boost.ts";
import { createForestScorer, decodeForest, encodeForest } from "../../training/trees/forest.ts";
import { type FraudTreesSize, fitFraudTrees } from "./fraud-trees.ts";

export interface FitOptions {
  readonly seed: number;
  readonly onProgress: (message: string) => void;
  /** `serving`: small enough to explain every order; `accuracy`: whatever helps. */
  readonly size: FraudTreesSize;
}

/** A fitted model: JSON, from which {@link FraudClassifier.load} makes the scorer again. */
export type FittedModel = Readonly<Record<string, unknown>>;

/** A kind of model that learns to tell fraud from the same vectors and is served by the same scorer. */
export interface FraudClassifier {
  readonly name: string;
  /** `holdOut`: later rows, for when to stop and for calibration, so not for a comparison. Rejects with code `dataset-unusable`. */
  fit(train: LabelledTable, holdOut: LabelledTable, options: FitOptions): Promise<FittedModel>;
  /** Throws code `model-incompatible`. */
  load(model: FittedModel, modelVersion: string, featureNames: readonly string[]): Scorer;
}

/** Boosted trees, explained exactly. */
const trees: FraudClassifier = {
  name: "trees",
  async fit(train, holdOut, options) {
    const forest = fitFraudTrees(train, holdOut, options);
    return JSON.parse(utf8Decoder.decode(encodeForest(forest)));
  },
  load(model, modelVersion, featureNames) {
    const bytes = new TextEncoder().encode(JSON.stringify(model));
    return createForestScorer(decodeForest(bytes, modelVersion, featureNames), modelVersion);
  },
};

/** A dense network, trained with TensorFlow.js, explained by integrated gradients. */
const network: FraudClassifier = {
  name: "network",
  async fit(train, holdOut, { seed, onProgress }) {
    return networkToJson(
      await fitNetwork(train, holdOut, {
        hidden: [48, 16],
        learningRate: 1e-3,
        batchRows: 512,
        epochsMax: 25,
        patience: 4,
        positiveWeightMax: 10,
        seed,
        onProgress: (message) => onProgress(`network: ${message}`),
      }),
    );
  },
  load: (model, modelVersion, featureNames) =>
    createNetworkScorer(networkFromJson(model, modelVersion, featureNames), modelVersion),
};

/** The first is what is used unless told. */
export const classifiers: readonly FraudClassifier[] = [trees, network];
