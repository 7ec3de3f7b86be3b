import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { RestCatalog } from "../../lakehouse/adapters/rest/index.ts";
import { retryEnvironment } from "./adapters.ts";
import { prepareViews } from "./prepare-views.ts";

it("a catalog that knows no views keeps nothing from starting, and is told of once", async () => {
  // As Iceberg's own server answers over a catalog without views.
  const server = createServer((request, response) => {
    const isConfig = request.url?.startsWith("/v1/config") === true;
    const error = { message: "views are not supported", type: "UnsupportedOperationException", code: 406 };
    response.writeHead(isConfig ? 200 : 406, { "content-type": "application/json" });
    response.end(JSON.stringify(isConfig ? { defaults: {}, overrides: {} } : { error }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = await mkdtemp(join(tmpdir(), "millrace-prepare-views-"));
  onTestFinished(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { views } = new RestCatalog({ uri, clock: Date.now, ...retryEnvironment });
  const warnings: string[] = [];
  const logger = { warn: (_: object, message: string) => void warnings.push(message) };
  await prepareViews({ views, objects: new LocalObjectStore(folder) }, { trinoCatalog: "lake" }, logger);
  expect(warnings).toEqual([
    expect.stringMatching(/^the views for other engines.*views are not supported.*millrace views apply$/),
  ]);
  await prepareViews({ views: null, objects: new LocalObjectStore(folder) }, { trinoCatalog: "" }, logger);
  expect(warnings).toHaveLength(1);
});
