import { ProtoMessage } from "./protobuf.ts";

/** Numbers of `TensorProto.DataType`. */
const DATA_TYPES = { float: 1, int64: 7, double: 11 } as const;
type DataType = keyof typeof DATA_TYPES;

/** Numbers of `AttributeProto.AttributeType`. */
const ATTRIBUTE_TYPES = { integer: 2, text: 3, tensor: 4, integers: 7, texts: 8 } as const;

/** The operators' versions that the graphs are written in, and the file's own. */
const IR_VERSION = 8;
const OPERATORS = { "": 17, "ai.onnx.ml": 3 } as const;

/** Doubles or whole numbers, in rows where there are two dimensions; no dimensions: one number. */
export interface OnnxTensor {
  readonly dimensions: readonly number[];
  readonly values: Float64Array | BigInt64Array;
}

export type OnnxAttribute =
  | { readonly integer: number }
  | { readonly text: string }
  | { readonly tensor: OnnxTensor }
  | { readonly integers: Iterable<number> }
  | { readonly texts: readonly string[] };

export interface OnnxNode {
  readonly operator: string;
  readonly domain?: keyof typeof OPERATORS;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A tensor that goes in or comes out; a name among the dimensions is any number of rows. */
export interface OnnxValue {
  readonly name: string;
  readonly type: DataType;
  readonly dimensions: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: Readonly<Record<string, OnnxTensor>>;
}

/** Number of a data type, as attributes of operators (Cast) name it. */
export function dataType(type: DataType): number {
  return DATA_TYPES[type];
}

/** An ONNX file (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). */
export function encodeOnnx(graph: OnnxGraph, metadata: Readonly<Record<string, string>>): Uint8Array {
  const model = new ProtoMessage().integer(1, IR_VERSION).text(2, "millrace").message(7, graphMessage(graph));
  for (const [domain, version] of Object.entries(OPERATORS)) {
    model.message(8, new ProtoMessage().text(1, domain).integer(2, version));
  }
  for (const [key, value] of Object.entries(metadata)) {
    model.message(14, new ProtoMessage().text(1, key).text(2, value));
  }
  return model.encode();
}

function graphMessage({ name, inputs, outputs, nodes, constants }: OnnxGraph): ProtoMessage {
  const graph = new ProtoMessage();
  for (const node of nodes) graph.message(1, nodeMessage(node));
  graph.text(2, name);
  for (const [constant, tensor] of Object.entries(constants)) {
    graph.message(5, tensorMessage(tensor, constant));
  }
  for (const input of inputs) graph.message(11, valueMessage(input));
  for (const output of outputs) graph.message(12, valueMessage(output));
  return graph;
}

function nodeMessage({ operator, domain, inputs, outputs, attributes }: OnnxNode): ProtoMessage {
  const node = new ProtoMessage();
  for (const input of inputs) node.text(1, input);
  for (const output of outputs) node.text(2, output);
  node.text(4, operator);
  for (const [name, attribute] of Object.entries(attributes ?? {})) {
    node.message(5, attributeMessage(name, attribute));
  }
  return domain === undefined ? node : node.text(7, domain);
}

function attributeMessage(name: string, attribute: OnnxAttribute): ProtoMessage {
  const message = new ProtoMessage().text(1, name);
  if ("integer" in attribute) {
    return message.integer(3, attribute.integer).integer(20, ATTRIBUTE_TYPES.integer);
  }
  if ("text" in attribute) return message.text(4, attribute.text).integer(20, ATTRIBUTE_TYPES.text);
  if ("tensor" in attribute) {
    return message.message(5, tensorMessage(attribute.tensor)).integer(20, ATTRIBUTE_TYPES.tensor);
  }
  if ("integers" in attribute) {
    return message.integers(8, attribute.integers).integer(20, ATTRIBUTE_TYPES.integers);
  }
  for (const text of attribute.texts) message.text(9, text);
  return message.integer(20, ATTRIBUTE_TYPES.texts);
}

function tensorMessage({ dimensions, values }: OnnxTensor, name?: string): ProtoMessage {
  const type = values instanceof Float64Array ? DATA_TYPES.double : DATA_TYPES.int64;
  const tensor = new ProtoMessage().integers(1, dimensions).integer(2, type);
  if (name !== undefined) tensor.text(8, name);
  return tensor.bytes(9, littleEndian(values));
}

function littleEndian(values: Float64Array | BigInt64Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === "bigint") view.setBigInt64(8 * i, value, true);
    else view.setFloat64(8 * i, value, true);
  }
  return new Uint8Array(view.buffer);
}

function valueMessage({ name, type, dimensions }: OnnxValue): ProtoMessage {
  const shape = new ProtoMessage();
  for (const dimension of dimensions) {
    const message = new ProtoMessage();
    shape.message(
      1,
      typeof dimension === "number" ? message.integer(1, dimension) : message.text(2, dimension),
    );
  }
  const tensor = new ProtoMessage().integer(1, DATA_TYPES[type]).message(2, shape);
  return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensor));
}
