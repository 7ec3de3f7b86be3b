import { createRequire } from "node:module";
import { dirname } from "node:path";
import type * as tensorflow from "@tensorflow/tfjs";

export type Tf = typeof tensorflow;

export interface LoadedTensorflow {
  readonly tf: Tf;
  readonly backend: "tensorflow" | "wasm";
  /** Why the native library is not used, where it is installed; null where it is used or not there. */
  readonly problem: string | null;
}

/** No dependency: its install script fetches a native library from outside of the npm registry. */
const NATIVE = "@tensorflow/tfjs-node";

/**
 * TensorFlow.js on the native library where `@tensorflow/tfjs-node` is installed and computes, else on
 * its WebAssembly backend, which installs without a download; its kernels lie beside it.
 *
 * @param importNative for tests
 */
export async function loadTensorflow(
  importNative: () => Promise<unknown> = () => import(NATIVE),
): Promise<LoadedTensorflow> {
  const native = await loadNative(importNative);
  if (typeof native !== "string" && native !== null) {
    return { tf: native, backend: "tensorflow", problem: null };
  }
  const tf = await import("@tensorflow/tfjs");
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  const folder = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  setWasmPaths(`${folder}/`);
  await tf.setBackend("wasm");
  await tf.ready();
  return { tf, backend: "wasm", problem: native };
}

/** Null where it is not installed; a text says why it cannot be used. */
async function loadNative(importNative: () => Promise<unknown>): Promise<Tf | string | null> {
  keepRemovedFunction();
  try {
    const module = (await importNative()) as { readonly default?: Tf } & Tf;
    const tf = module.default ?? module;
    if (!(await tf.setBackend("tensorflow"))) return `${NATIVE} has no backend here`;
    await tf.ready();
    const computed = tf.tidy(() => Number(tf.dot([2, 3], [5, 7]).dataSync()[0]));
    return computed === 31 ? tf : `${NATIVE} computes 2·5 + 3·7 as ${computed}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ERR_MODULE_NOT_FOUND" ? null : `${NATIVE} cannot be used: ${message.split("\n")[0]}`;
  }
}

/** `@tensorflow/tfjs-node` 4.22 calls in its operations what Node 23 took out of `node:util`. */
function keepRemovedFunction(): void {
  const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
}
