import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Report, type ReportFile, renderReport } from "../../ml/index.ts";
import type { CliIo } from "./cli-io.ts";

/** Writes a report's files into a folder, which is made; what a crash leaves is overwritten by the next run. */
export async function writeReport(
  folder: string,
  io: Pick<CliIo, "folder" | "clock" | "err">,
  report: Omit<Report, "createdAt">,
  beside: readonly ReportFile[] = [],
): Promise<void> {
  const target = resolve(io.folder, folder);
  await mkdir(target, { recursive: true });
  const files = renderReport({ ...report, createdAt: new Date(io.clock()).toISOString() });
  for (const { name, text } of [...files, ...beside]) {
    await writeFile(join(target, name), text);
  }
  io.err(`report: ${join(target, "report.html")}\n`);
}
