import { MillraceError } from "../../../schema/index.ts";
import { decodeForest, encodeForest } from "../../training/trees/forest.ts";
import { CANDIDATE_FEATURES } from "./candidate-features.ts";
import type { RecommendOptions } from "./recommend-options.ts";
import { Recommender } from "./recommender.ts";
import { createBase } from "./recommender-base.ts";
import type { Transitions } from "./transitions.ts";

const FORMAT = "millrace-recommend/1";
const MAGIC_BYTES = 4;

type NumberArray = Float64Array | Float32Array | Int32Array;

/** What a stored model says of itself, as JSON before its arrays. */
interface Header {
  readonly format: string;
  readonly options: RecommendOptions;
  readonly features: readonly string[];
  readonly categories: readonly (readonly [number, number])[];
  /** Length of each array of {@link LAYOUT}. */
  readonly lengths: readonly number[];
  readonly forestBytes: number;
}

/** The arrays of a stored model, back to back in little-endian order; the widest first. */
const LAYOUT = [
  { name: "itemNumbers", make: Float64Array },
  { name: "items", make: Int32Array },
  { name: "starts", make: Int32Array },
  { name: "rows", make: Int32Array },
  { name: "targets", make: Int32Array },
  { name: "direct", make: Float32Array },
  { name: "forward", make: Float32Array },
  { name: "backward", make: Float32Array },
] as const;

type ArrayName = (typeof LAYOUT)[number]["name"];

/** Length of the header, header (padded to 8 bytes), arrays, forest. */
export function encodeRecommender({ base, forest }: Recommender): Uint8Array {
  const { log, transitions } = base;
  const arrays: Record<ArrayName, NumberArray> = {
    itemNumbers: log.itemNumbers,
    items: log.items,
    starts: log.starts,
    rows: transitions.starts,
    targets: transitions.targets,
    direct: transitions.direct,
    forward: transitions.forward,
    backward: transitions.backward,
  };
  const trees = forest === null ? new Uint8Array(0) : encodeForest(forest);
  const header: Header = {
    format: FORMAT,
    options: base.options,
    features: CANDIDATE_FEATURES,
    categories: [...base.categories],
    lengths: LAYOUT.map(({ name }) => arrays[name].length),
    forestBytes: trees.length,
  };
  const head = paddedHeader(header);
  const parts = LAYOUT.map(({ name }) => bytesOf(arrays[name]));
  const out = new Uint8Array(
    head.length + parts.reduce((total, part) => total + part.length, 0) + trees.length,
  );
  let at = 0;
  for (const part of [head, ...parts, trees]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Throws code `model-incompatible` where the bytes are no such model. */
export function decodeRecommender(bytes: Uint8Array, modelVersion: string): Recommender {
  const { header, end } = readHeader(bytes, modelVersion);
  const whole =
    end +
    LAYOUT.reduce((total, { make }, k) => total + make.BYTES_PER_ELEMENT * header.lengths[k], 0) +
    header.forestBytes;
  if (whole !== bytes.length) {
    throw incompatible(modelVersion, `it has ${bytes.length} bytes, its header says ${whole}`);
  }
  let at = end;
  const read = <A extends NumberArray>(name: ArrayName, make: new (buffer: ArrayBuffer) => A): A => {
    const length = header.lengths[LAYOUT.findIndex((array) => array.name === name)];
    const size = length * (name === "itemNumbers" ? 8 : 4);
    // A copy: the bytes may begin anywhere in their buffer. Not `slice`, which of a Node buffer is a view.
    const array = new make(new Uint8Array(bytes.subarray(at, at + size)).buffer);
    at += size;
    return array;
  };
  const itemNumbers = read("itemNumbers", Float64Array);
  const log = { itemNumbers, items: read("items", Int32Array), starts: read("starts", Int32Array) };
  const transitions: Transitions = {
    starts: read("rows", Int32Array),
    targets: read("targets", Int32Array),
    direct: read("direct", Float32Array),
    forward: read("forward", Float32Array),
    backward: read("backward", Float32Array),
  };
  const count = itemNumbers.length;
  const isSound =
    itemNumbers.every((number, k) => k === 0 || number > itemNumbers[k - 1]) &&
    isOffsets(log.starts, log.items.length) &&
    transitions.starts.length === count + 1 &&
    isOffsets(transitions.starts, transitions.targets.length) &&
    [log.items, transitions.targets].every((items) => items.every((item) => item >= 0 && item < count)) &&
    [transitions.direct, transitions.forward, transitions.backward].every(
      (counts) => counts.length === transitions.targets.length && counts.every(Number.isFinite),
    );
  if (!isSound) throw incompatible(modelVersion, "its arrays contradict each other");
  const forest =
    header.forestBytes === 0 ? null : decodeForest(bytes.subarray(at), modelVersion, CANDIDATE_FEATURES);
  return new Recommender(createBase(log, header.options, new Map(header.categories), transitions), forest);
}

function readHeader(bytes: Uint8Array, modelVersion: string): { header: Header; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < MAGIC_BYTES ? -1 : view.getUint32(0, true);
  if (length < 0 || MAGIC_BYTES + length > bytes.length) throw incompatible(modelVersion, "it is cut off");
  let header: Partial<Header> | null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      bytes.subarray(MAGIC_BYTES, MAGIC_BYTES + length),
    );
    header = JSON.parse(text);
  } catch (cause) {
    throw incompatible(modelVersion, "its header is no JSON", cause);
  }
  if (header?.format !== FORMAT) throw incompatible(modelVersion, `it is not of the form ${FORMAT}`);
  if (JSON.stringify(header.features) !== JSON.stringify(CANDIDATE_FEATURES)) {
    throw incompatible(modelVersion, "it was trained on other features: train it again");
  }
  const { lengths, forestBytes, categories } = header;
  const areCounts = [...(lengths ?? [-1]), forestBytes].every(
    (count) => Number.isInteger(count) && Number(count) >= 0,
  );
  if (!areCounts || lengths?.length !== LAYOUT.length || !Array.isArray(categories)) {
    throw incompatible(modelVersion, "its header is incomplete");
  }
  return { header: header as Header, end: MAGIC_BYTES + length };
}

function paddedHeader(header: Header): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil((MAGIC_BYTES + text.length) / 8) * 8;
  const head = new Uint8Array(length).fill(" ".charCodeAt(0));
  new DataView(head.buffer).setUint32(0, length - MAGIC_BYTES, true);
  head.set(text, MAGIC_BYTES);
  return head;
}

function bytesOf(array: NumberArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Whether they start at 0, never fall and end at `end`. */
function isOffsets(starts: Int32Array, end: number): boolean {
  return (
    starts[0] === 0 && starts.at(-1) === end && starts.every((start, k) => k === 0 || start >= starts[k - 1])
  );
}

function incompatible(modelVersion: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`model ${modelVersion} cannot be loaded: ${detail}`, {
    code: "model-incompatible",
    origin: "user",
    ...(cause === undefined ? {} : { cause }),
  });
}
