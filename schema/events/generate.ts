/**
 * Writes `schema/events/generated` from the .avsc files beside this one.
 * `generate.ts` writes; `--check` only compares and exits 1 where files are stale; `--publish`
 * copies every version that is not yet published to `published/`: from then on its wire form is fixed.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { AvroRecordSchema } from "./avro-schema.ts";
import { type GeneratedFile, renderContracts } from "./render.ts";

const folder = import.meta.dirname;

/** The schemas of a folder's .avsc files, by schema id. */
export function readSchemas(from: string = folder): AvroRecordSchema[] {
  return readdirSync(from)
    .filter((file) => file.endsWith(".avsc"))
    .map((file) => {
      const schema = JSON.parse(readFileSync(join(from, file), "utf8")) as AvroRecordSchema;
      const expected = `${schema["millrace.contract"]}.v${schema["millrace.version"]}.avsc`;
      if (file !== expected) throw new Error(`${file} declares what belongs into ${expected}`);
      return schema;
    })
    .sort((a, b) => a["millrace.schemaId"] - b["millrace.schemaId"]);
}

/** Names of generated files that differ from what the schemas say, superfluous ones included. */
export function staleFiles(files: readonly GeneratedFile[]): string[] {
  const target = join(folder, "generated");
  const present = existsSync(target) ? readdirSync(target) : [];
  const stale = files.filter(
    ({ name, text }) => !present.includes(name) || readFileSync(join(target, name), "utf8") !== text,
  );
  const superfluous = present.filter((name) => !files.some((file) => file.name === name));
  return [...stale.map((file) => file.name), ...superfluous];
}

function write(files: readonly GeneratedFile[]): void {
  const target = join(folder, "generated");
  mkdirSync(target, { recursive: true });
  for (const name of staleFiles(files)) {
    const file = files.find((candidate) => candidate.name === name);
    // A crash in between leaves a stale file, which --check and the tests report.
    if (file === undefined) rmSync(join(target, name));
    else writeFileSync(join(target, name), file.text);
  }
}

function publish(): void {
  const target = join(folder, "published");
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".avsc"))) {
    if (!existsSync(join(target, file))) copyFileSync(join(folder, file), join(target, file));
  }
}

if (import.meta.main) {
  const files = renderContracts(readSchemas());
  if (process.argv.includes("--check")) {
    const stale = staleFiles(files);
    if (stale.length > 0) {
      process.stderr.write(
        `Stale in schema/events/generated: ${stale.join(", ")}. Run schema/events/generate.ts.\n`,
      );
      process.exitCode = 1;
    }
  } else {
    write(files);
    if (process.argv.includes("--publish")) publish();
  }
}
