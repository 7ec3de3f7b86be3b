import { createRequire } from "node:module";
import { MillraceError } from "../../schema/index.ts";

/** A classifier that onnxruntime has loaded. */
export interface OnnxSession {
  /** Probabilities of the positive class of `count` vectors that lie back to back. */
  run(vectors: Float64Array, count: number, out: Float64Array): void;
}

/**
 * What onnxruntime-node 1.30 exports to itself. Its published API answers asynchronously, although
 * the call that it wraps is synchronous (its lib/backend.ts); the stream scores within one step.
 */
export interface OnnxBinding {
  readonly binding: { readonly InferenceSession: new () => NativeSession };
  initOrt(): void;
}

interface NativeValue {
  readonly name: string;
  readonly isTensor: boolean;
  readonly shape: readonly number[];
  /** Number of `TensorProto.DataType`. */
  readonly type: number;
}

interface NativeTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

interface NativeSession {
  loadModel(bytes: ArrayBufferLike, from: number, length: number, options: object): void;
  readonly inputMetadata: readonly NativeValue[];
  readonly outputMetadata: readonly NativeValue[];
  run(
    feeds: Readonly<Record<string, unknown>>,
    fetches: Readonly<Record<string, null>>,
    options: object,
  ): Readonly<Record<string, NativeTensor>>;
}

type TensorClass = new (type: string, data: Float32Array | Float64Array, dims: number[]) => NativeTensor;

const FLOAT = 1;
const DOUBLE = 11;

/** One thread, the caller's: the stream's workers are as many as the machine has processors. */
const SESSION_OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };

const require = createRequire(import.meta.url);

/**
 * Loads a binary classifier of one input, rows of float or double features. Its probabilities are
 * the output of that name or the last one of numbers: two columns, or one of the positive class.
 * Throws code `onnxruntime-missing` where the optional package is not installed, and
 * `model-incompatible` where it cannot load the file or the file is no such classifier.
 */
export function openOnnxSession(
  file: Uint8Array,
  expected: { readonly modelVersion: string; readonly width: number },
  load: (name: string) => unknown = require,
): OnnxSession {
  const { modelVersion, width } = expected;
  const refuse = (detail: string, cause?: unknown): MillraceError =>
    new MillraceError(`model ${modelVersion} cannot be used: ${detail}`, {
      code: "model-incompatible",
      origin: "user",
      cause,
    });
  const { runtime, Tensor } = loadRuntime(modelVersion, load);
  const session = new runtime.binding.InferenceSession();
  try {
    runtime.initOrt();
    // A copy in a buffer of its own; `slice` of a Node Buffer would be a view of its pool.
    const own = new Uint8Array(file);
    session.loadModel(own.buffer, 0, own.length, SESSION_OPTIONS);
  } catch (cause) {
    throw refuse(`onnxruntime does not load it: ${(cause as Error).message}`, cause);
  }
  const [input, ...others] = session.inputMetadata;
  if (input === undefined || others.length > 0) {
    throw refuse(`it has ${session.inputMetadata.length} inputs, expected one with a row of features`);
  }
  if (!input.isTensor || (input.type !== FLOAT && input.type !== DOUBLE)) {
    throw refuse(`its input ${input.name} is no tensor of float or double`);
  }
  if (input.shape.length !== 2 || (input.shape[1] >= 0 && input.shape[1] !== width)) {
    throw refuse(`its input has the shape [${input.shape.join(", ")}], expected [rows, ${width}]`);
  }
  const output = probabilitiesOf(session.outputMetadata);
  if (output === null) {
    throw refuse("it has no output tensor of probabilities: convert it without ZipMap (zipmap=False)");
  }
  const single = input.type === FLOAT;
  const predict = (vectors: Float64Array, count: number): NativeTensor => {
    const used = vectors.subarray(0, count * width);
    const data = single ? Float32Array.from(used) : used.slice();
    const rows = new Tensor(single ? "float32" : "float64", data, [count, width]);
    return session.run({ [input.name]: rows }, { [output.name]: null }, {})[output.name];
  };
  const columns = predict(new Float64Array(width), 1).data.length;
  if (columns > 2) throw refuse(`it tells ${columns} classes apart, expected 2`);
  return {
    run(vectors, count, out) {
      if (count === 0) return;
      const { data } = predict(vectors, count);
      for (let row = 0; row < count; row++) out[row] = data[row * columns + columns - 1];
    },
  };
}

function probabilitiesOf(outputs: readonly NativeValue[]): NativeValue | null {
  const numbers = outputs.filter(({ isTensor, type }) => isTensor && (type === FLOAT || type === DOUBLE));
  return numbers.find(({ name }) => /^prob/i.test(name)) ?? numbers.at(-1) ?? null;
}

function loadRuntime(
  modelVersion: string,
  load: (name: string) => unknown,
): { readonly runtime: OnnxBinding; readonly Tensor: TensorClass } {
  try {
    const { Tensor } = load("onnxruntime-node") as { readonly Tensor: TensorClass };
    return { runtime: load("onnxruntime-node/dist/binding.js") as OnnxBinding, Tensor };
  } catch (cause) {
    throw new MillraceError(
      `model ${modelVersion} is an ONNX file and needs the optional package onnxruntime-node, which does not load ` +
        `(${(cause as Error).message.split("\n")[0]}): npm install onnxruntime-node@1.30.0 --onnxruntime-node-install=skip`,
      { code: "onnxruntime-missing", origin: "user", cause },
    );
  }
}
