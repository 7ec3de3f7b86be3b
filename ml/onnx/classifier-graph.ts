import type { LogisticModel } from "../training/logistic-regression.ts";
import type { DenseNetwork } from "../training/network/dense-network.ts";
import type { Forest } from "../training/trees/forest.ts";
import { dataType, encodeOnnx, type OnnxNode, type OnnxTensor } from "./onnx-model.ts";

/** What an exported file says of its model; in its metadata under `millrace.NAME`. */
export interface ExportedModel {
  readonly plugin: string;
  readonly version: string;
  readonly features: readonly string[];
  /** A row to explain others from, where the model has one. */
  readonly reference?: Iterable<number>;
}

/**
 * Boosted trees as one TreeEnsembleClassifier in double precision. As in ours, a value is rounded to
 * single precision before it is compared, and a missing one (NaN) goes where its node says.
 */
export function forestToOnnx(forest: Forest, model: ExportedModel): Uint8Array {
  const trees = treeAttributes(forest);
  const nodes: OnnxNode[] = [
    cast("features", "single", "float"),
    cast("single", "compared", "double"),
    {
      operator: "TreeEnsembleClassifier",
      domain: "ai.onnx.ml",
      inputs: ["compared"],
      outputs: ["label", "probabilities"],
      attributes: {
        ...trees,
        base_values_as_tensor: { tensor: column([forest.start]) },
        classlabels_int64s: { integers: [0, 1] },
        post_transform: { text: "LOGISTIC" },
      },
    },
  ];
  return encodeClassifier(nodes, {}, model);
}

/** Logistic regression in double precision, its standardisation included. */
export function logisticToOnnx(linear: LogisticModel, model: ExportedModel): Uint8Array {
  const { weights, mean, scale, bias } = linear;
  const constants = {
    mean: column(mean),
    scale: column(scale),
    weights: { dimensions: [weights.length, 1], values: weights },
    bias: column([bias]),
  };
  const nodes: OnnxNode[] = [
    ...standardisation("features", "standardised"),
    { operator: "MatMul", inputs: ["standardised", "weights"], outputs: ["weighted"] },
    { operator: "Add", inputs: ["weighted", "bias"], outputs: ["logOdds"] },
  ];
  return encodeLogOdds(nodes, constants, { reference: mean, ...model });
}

/**
 * A dense network in double precision, on inputs that are rounded to single as ours are; `inputMax`:
 * where they are cut.
 */
export function networkToOnnx(
  network: DenseNetwork & { readonly inputMax: number },
  model: ExportedModel,
): Uint8Array {
  const { mean, scale, missing, layers, slope, intercept, inputMax } = network;
  const constants: Record<string, OnnxTensor> = {
    mean: column(mean),
    scale: column(scale),
    none: scalar(0),
    unit: scalar(1),
    inputMin: scalar(-inputMax),
    inputMax: scalar(inputMax),
    slope: column([slope]),
    intercept: column([intercept]),
    mayMiss: { dimensions: [missing.length], values: BigInt64Array.from(missing, BigInt) },
  };
  const nodes: OnnxNode[] = [
    { operator: "IsNaN", inputs: ["features"], outputs: ["isMissing"] },
    { operator: "Sign", inputs: ["features"], outputs: ["sign"] },
    { operator: "Abs", inputs: ["features"], outputs: ["size"] },
    { operator: "Add", inputs: ["size", "unit"], outputs: ["sizeAndOne"] },
    { operator: "Log", inputs: ["sizeAndOne"], outputs: ["logSize"] },
    { operator: "Mul", inputs: ["sign", "logSize"], outputs: ["signedLog"] },
    ...standardisation("signedLog", "standardised"),
    { operator: "Clip", inputs: ["standardised", "inputMin", "inputMax"], outputs: ["clipped"] },
    { operator: "Where", inputs: ["isMissing", "none", "clipped"], outputs: ["present"] },
    {
      operator: "Gather",
      inputs: ["isMissing", "mayMiss"],
      outputs: ["missed"],
      attributes: { axis: { integer: 1 } },
    },
    cast("missed", "flags", "double"),
    {
      operator: "Concat",
      inputs: ["present", "flags"],
      outputs: ["all"],
      attributes: { axis: { integer: 1 } },
    },
    cast("all", "single", "float"),
    cast("single", "layer0", "double"),
  ];
  layers.forEach(({ inputs, outputs, weights, biases }, index) => {
    constants[`weights${index}`] = { dimensions: [inputs, outputs], values: Float64Array.from(weights) };
    constants[`biases${index}`] = column(biases);
    nodes.push(
      { operator: "MatMul", inputs: [`layer${index}`, `weights${index}`], outputs: [`weighted${index}`] },
      { operator: "Add", inputs: [`weighted${index}`, `biases${index}`], outputs: [`sum${index}`] },
    );
    if (index === layers.length - 1) return;
    nodes.push({ operator: "Relu", inputs: [`sum${index}`], outputs: [`layer${index + 1}`] });
  });
  nodes.push(
    { operator: "Mul", inputs: [`sum${layers.length - 1}`, "slope"], outputs: ["scaled"] },
    { operator: "Add", inputs: ["scaled", "intercept"], outputs: ["logOdds"] },
  );
  return encodeLogOdds(nodes, constants, model);
}

function standardisation(input: string, output: string): OnnxNode[] {
  return [
    { operator: "Sub", inputs: [input, "mean"], outputs: ["centered"] },
    { operator: "Div", inputs: ["centered", "scale"], outputs: [output] },
  ];
}

/** Nodes that end in `logOdds`, one column, and the probabilities of both classes behind them. */
function encodeLogOdds(
  nodes: readonly OnnxNode[],
  constants: Readonly<Record<string, OnnxTensor>>,
  model: ExportedModel,
): Uint8Array {
  const tail: OnnxNode[] = [
    { operator: "Sigmoid", inputs: ["logOdds"], outputs: ["probability"] },
    { operator: "Sub", inputs: ["one", "probability"], outputs: ["complement"] },
    {
      operator: "Concat",
      inputs: ["complement", "probability"],
      outputs: ["both"],
      attributes: { axis: { integer: 1 } },
    },
    cast("both", "probabilities", "float"),
    {
      operator: "ArgMax",
      inputs: ["both"],
      outputs: ["label"],
      attributes: { axis: { integer: 1 }, keepdims: { integer: 0 } },
    },
  ];
  return encodeClassifier([...nodes, ...tail], { ...constants, one: column([1]) }, model);
}

/** The same interface for every classifier: that of scikit-learn's converter without its maps. */
function encodeClassifier(
  nodes: readonly OnnxNode[],
  constants: Readonly<Record<string, OnnxTensor>>,
  { plugin, version, features, reference }: ExportedModel,
): Uint8Array {
  return encodeOnnx(
    {
      name: plugin,
      inputs: [{ name: "features", type: "double", dimensions: ["rows", features.length] }],
      outputs: [
        { name: "label", type: "int64", dimensions: ["rows"] },
        { name: "probabilities", type: "float", dimensions: ["rows", 2] },
      ],
      nodes,
      constants,
    },
    {
      "millrace.plugin": plugin,
      "millrace.version": version,
      "millrace.features": JSON.stringify(features),
      ...(reference === undefined ? {} : { "millrace.reference": JSON.stringify([...reference]) }),
    },
  );
}

/** Attributes by node, in the order of the forest's; nodes are numbered within their tree. */
function treeAttributes({ roots, feature, threshold, missingLeft, left, right, value }: Forest) {
  const treeOf = new Int32Array(left.length);
  roots.forEach((root, tree) => {
    treeOf.fill(tree, root);
  });
  const inTree = (node: number): number => node - roots[treeOf[node]];
  const nodes = Array.from(left.keys());
  const leaves = nodes.filter((node) => left[node] < 0);
  const split = (numbers: (node: number) => number): { integers: number[] } => ({
    integers: nodes.map((node) => (left[node] < 0 ? 0 : numbers(node))),
  });
  return {
    nodes_treeids: { integers: treeOf },
    nodes_nodeids: { integers: nodes.map(inTree) },
    nodes_modes: { texts: nodes.map((node) => (left[node] < 0 ? "LEAF" : "BRANCH_LEQ")) },
    nodes_featureids: split((node) => feature[node]),
    nodes_values_as_tensor: {
      tensor: column(nodes.map((node) => (left[node] < 0 ? 0 : threshold[node]))),
    },
    nodes_truenodeids: split((node) => inTree(left[node])),
    nodes_falsenodeids: split((node) => inTree(right[node])),
    nodes_missing_value_tracks_true: split((node) => missingLeft[node]),
    class_treeids: { integers: leaves.map((node) => treeOf[node]) },
    class_nodeids: { integers: leaves.map(inTree) },
    // One score a tree, of the positive class; the runtime makes both probabilities of it.
    class_ids: { integers: leaves.map(() => 0) },
    class_weights_as_tensor: { tensor: column(leaves.map((node) => value[node])) },
  };
}

function cast(input: string, output: string, type: Parameters<typeof dataType>[0]): OnnxNode {
  return {
    operator: "Cast",
    inputs: [input],
    outputs: [output],
    attributes: { to: { integer: dataType(type) } },
  };
}

function column(values: Iterable<number>): OnnxTensor {
  const own = Float64Array.from(values);
  return { dimensions: [own.length], values: own };
}

function scalar(value: number): OnnxTensor {
  return { dimensions: [], values: Float64Array.of(value) };
}
