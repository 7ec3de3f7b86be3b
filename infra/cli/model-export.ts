import { writeFile } from "node:fs/promises";
import { loadChampion, loadVersion, type ModelRegistry, type ServedPlugin } from "../../ml/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { writeResultFile } from "./result-file.ts";

export interface ModelExport {
  readonly plugin: string;
  readonly version: string;
  readonly file: string;
  readonly bytes: number;
}

/** A scorer that can write itself as an ONNX file. */
interface Exportable {
  toOnnx(plugin: string): Uint8Array;
}

/**
 * Writes a version as an ONNX file; null: the one that scores, which may be the built-in one.
 * Rejects with code `model-not-exportable` where ONNX has no form for it, as the registry does for a
 * version, and where the file cannot be written.
 */
export async function exportModel(
  registry: ModelRegistry,
  plugin: ServedPlugin<{ readonly modelVersion: string }>,
  version: string | null,
  target: { readonly folder: string; readonly file: string },
): Promise<ModelExport> {
  const { scorer } =
    version === null ? await loadChampion(registry, plugin) : await loadVersion(registry, plugin, version);
  if (!isExportable(scorer)) {
    throw new MillraceError(`model ${scorer.modelVersion} of ${plugin.name} has no form in ONNX`, {
      code: "model-not-exportable",
      origin: "user",
    });
  }
  const bytes = scorer.toOnnx(plugin.name);
  await writeResultFile(target.folder, target.file, (path) => writeFile(path, bytes));
  return { plugin: plugin.name, version: scorer.modelVersion, file: target.file, bytes: bytes.length };
}

function isExportable(scorer: object): scorer is Exportable {
  return "toOnnx" in scorer && typeof scorer.toOnnx === "function";
}
