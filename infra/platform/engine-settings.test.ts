import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ENGINE_SETTINGS = new URL("./engine-settings.ts", import.meta.url).href;

/** A server, and a thread that asks it with `fetch` as often as a worker soon asks its catalog. */
const ASKING = `
import { createServer } from "node:http";
import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import * as settings from "${ENGINE_SETTINGS}";
setFlagsFromString("--trace-wasm-compilation-times");
settings[process.argv[1]]();
const server = createServer((_, response) => response.end("{}"));
await once(server.listen(0, "127.0.0.1"), "listening");
const ask = "for (let i = 0; i < 400; i++) await (await fetch('http://127.0.0.1:" + server.address().port + "')).text();";
await once(new Worker(ask, { eval: true }), "exit");
server.close();
`;

async function compiledWhile(setting: "keepWasmCallsGeneral" | "setHeapGrowth"): Promise<string> {
  const args = ["--input-type=module", "--eval", ASKING, setting];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

it("keeps V8 from making code for calls out of WebAssembly, which threads would share", async () => {
  const made = "Compiled WasmToJS wrapper";
  // Without it V8 makes such code here, and says so: what is looked for below could be there.
  expect(await compiledWhile("setHeapGrowth")).toContain(made);
  const compiled = await compiledWhile("keepWasmCallsGeneral");
  expect(compiled).toContain("Compiled function");
  expect(compiled).not.toContain(made);
});
