import { describe, expect, it } from "vitest";
import { loadTensorflow } from "./load-tensorflow.ts";

const missing = Object.assign(new Error("Cannot find package '@tensorflow/tfjs-node'"), {
  code: "ERR_MODULE_NOT_FOUND",
});
const withoutLibrary = new Error("The Node.js native addon module (tfjs_binding.node) can not be found\nat…");

describe("TensorFlow.js", () => {
  it("computes in WebAssembly where its native library is not installed, without a word", async () => {
    const { tf, backend, problem } = await loadTensorflow(() => Promise.reject(missing));
    expect([backend, tf.getBackend(), problem]).toEqual(["wasm", "wasm", null]);
    expect(tf.dot([1, 2], [3, 4]).dataSync()[0]).toBe(11);
    // Installed or not: nothing is wrong here.
    expect((await loadTensorflow()).problem).toBeNull();
  });

  it("falls back, and says why, where the install fetched no library or there is no backend", async () => {
    const unbuilt = await loadTensorflow(() => Promise.reject(withoutLibrary));
    expect(unbuilt).toMatchObject({
      backend: "wasm",
      problem: expect.stringMatching(/cannot be used: The Node.js native addon module .* not be found$/),
    });
    const { tf } = unbuilt;
    const wrong = { default: { ...tf, setBackend: async () => false } };
    expect(await loadTensorflow(async () => wrong)).toMatchObject({
      backend: "wasm",
      problem: expect.stringMatching(/no backend/),
    });
  });

  it("uses a native backend that computes", async () => {
    const { tf } = await loadTensorflow(() => Promise.reject(missing));
    // Stands for the library: the backend in JavaScript, under the native one's name.
    tf.registerBackend("tensorflow", () => tf.engine().registryFactory.cpu.factory() as never);
    tf.copyRegisteredKernels("cpu", "tensorflow");
    try {
      const native = await loadTensorflow(async () => tf);
      expect(native).toMatchObject({ backend: "tensorflow", problem: null });
      expect(native.tf.getBackend()).toBe("tensorflow");
    } finally {
      await tf.setBackend("wasm");
      tf.removeBackend("tensorflow");
    }
  });

  it("gives back the function that its native library still calls", async () => {
    await loadTensorflow(() => Promise.reject(missing));
    const util = process.getBuiltinModule("node:util") as unknown as Record<string, (x: unknown) => boolean>;
    expect([null, undefined, 0, ""].map((value) => util.isNullOrUndefined(value))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
