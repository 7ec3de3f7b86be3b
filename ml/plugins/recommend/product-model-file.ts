import { MillraceError } from "../../../schema/index.ts";
import { decodeRecommender, encodeRecommender } from "./model-file.ts";
import { ProductRecommender } from "./product-recommender.ts";
import { DEFAULT_OPTIONS } from "./recommend-options.ts";
import { Recommender } from "./recommender.ts";
import { createBase } from "./recommender-base.ts";
import { makeSessionLog } from "./session-log.ts";

const FORMAT = "millrace-products/1";
const LENGTH_BYTES = 4;

/** The names as JSON before the recommender's own bytes. */
interface Names {
  readonly format: string;
  readonly productIds: readonly string[];
  readonly categoryIds: readonly string[];
}

/** Length of the names, names, recommender. */
export function encodeProductRecommender(model: Omit<ProductRecommender, "modelVersion">): Uint8Array {
  const { productIds, categoryIds, recommender } = model;
  const names: Names = { format: FORMAT, productIds, categoryIds };
  const head = new TextEncoder().encode(JSON.stringify(names));
  const body = encodeRecommender(recommender);
  const bytes = new Uint8Array(LENGTH_BYTES + head.length + body.length);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, LENGTH_BYTES);
  bytes.set(body, LENGTH_BYTES + head.length);
  return bytes;
}

/** Throws code `model-incompatible` where the bytes are no such model. */
export function decodeProductRecommender(bytes: Uint8Array, modelVersion: string): ProductRecommender {
  const names = readNames(bytes, modelVersion);
  const recommender = decodeRecommender(bytes.subarray(names.end), modelVersion);
  const { productIds, categoryIds } = names;
  const count = recommender.base.log.itemNumbers.length;
  if (count !== productIds.length || recommender.base.log.itemNumbers.some((number, k) => number !== k)) {
    throw incompatible(modelVersion, `it names ${productIds.length} products for ${count} items`);
  }
  return new ProductRecommender(recommender, { productIds, categoryIds }, modelVersion);
}

/** A recommender that knows no product: what serves until one is trained. */
export function untrainedRecommender(): Uint8Array {
  const base = createBase(makeSessionLog([]), { ...DEFAULT_OPTIONS, ranking: null });
  const recommender = new Recommender(base, null);
  return encodeProductRecommender(
    new ProductRecommender(recommender, { productIds: [], categoryIds: [] }, ""),
  );
}

function readNames(bytes: Uint8Array, modelVersion: string): Names & { readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length < LENGTH_BYTES ? -1 : LENGTH_BYTES + view.getUint32(0, true);
  if (end < 0 || end > bytes.length) throw incompatible(modelVersion, "it is cut off");
  let names: Partial<Names> | null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, end));
    names = JSON.parse(text);
  } catch (cause) {
    throw incompatible(modelVersion, "its names are no JSON", cause);
  }
  const areNames = [names?.productIds, names?.categoryIds].every(
    (ids) => Array.isArray(ids) && ids.every((id) => typeof id === "string"),
  );
  if (names?.format !== FORMAT || !areNames) {
    throw incompatible(modelVersion, `it is not of the form ${FORMAT}`);
  }
  return { ...(names as Names), end };
}

function incompatible(modelVersion: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`model ${modelVersion} cannot be loaded: ${detail}`, {
    code: "model-incompatible",
    origin: "user",
    ...(cause === undefined ? {} : { cause }),
  });
}
