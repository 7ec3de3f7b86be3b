import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ensureDuckDbExtensions, ensurePython } from "./test-tools.ts";

const run = promisify(execFile);

describe("test tools", () => {
  it("installs once, also when asked for twice at a time, a Python that reads Iceberg", async () => {
    const [python, again] = await Promise.all([ensurePython(), ensurePython()]);
    expect(again).toBe(python);
    const { stdout } = await run(python, [
      "-c",
      "import pyiceberg, pyarrow, duckdb, fastavro; print(duckdb.__version__)",
    ]);
    expect(stdout.trim()).toBe("1.5.5");
  }, 900_000);

  it("has the DuckDB extensions of the same version", async () => {
    const files = await readdir(await ensureDuckDbExtensions());
    for (const name of ["avro", "iceberg", "httpfs"]) expect(files).toContain(`${name}.duckdb_extension`);
  }, 900_000);
});
