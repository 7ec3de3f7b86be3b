import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Report, type ReportFile, renderReport } from "../../ml/index.ts";
import { makeFolder } from "../tools/make-folder.ts";
import type { CliIo } from "./cli-io.ts";
import { asUnwritable } from "./result-file.ts";

/** Writes a report's files into a folder, which is made; what a crash leaves is overwritten by the next run. */
export async function writeReport(
  folder: string,
  io: Pick<CliIo, "folder" | "clock" | "err">,
  report: Omit<Report, "createdAt">,
  beside: readonly ReportFile[] = [],
): Promise<void> {
  const target = resolve(io.folder, folder);
  const files = renderReport({ ...report, createdAt: new Date(io.clock()).toISOString() });
  try {
    makeFolder(target);
    for (const { name, text } of [...files, ...beside]) {
      await writeFile(join(target, name), text);
    }
  } catch (error) {
    throw asUnwritable(error, folder);
  }
  io.err(`report: ${join(target, "report.html")}\n`);
}
