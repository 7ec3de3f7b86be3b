import { type DataFile, dayOf } from "../table/manifest.ts";

export interface CompactionLimits {
  /** Size of a file that is left alone, and that new ones aim at. */
  readonly targetBytes: number;
  /** Files of one size class and day that are worth a rewrite. */
  readonly filesMin: number;
  /** Bytes that one run reads at most. */
  readonly runBytesMax: number;
  /** Merge all small files of a day, whatever their sizes: for days that get no more rows. */
  readonly isFull: boolean;
}

export interface CompactionBin {
  readonly day: number;
  readonly files: readonly DataFile[];
}

/** The smallest size class reaches to here; each further one is four times as wide. */
const CLASS_BYTES = 256 * 1024;

/**
 * Which files become one. Files are merged with others of their size class, so that a row is rewritten
 * once per class (a handful of times), not whenever a small file comes to a large one.
 */
export function planCompaction(files: readonly DataFile[], limits: CompactionLimits): CompactionBin[] {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const day = dayOf(file);
    const bytes = Number(file.file_size_in_bytes);
    if (day === null || bytes >= limits.targetBytes) continue;
    const group = `${day}/${limits.isFull ? 0 : sizeClass(bytes)}`;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [file]);
    else members.push(file);
  }
  const bins: CompactionBin[] = [];
  let total = 0;
  for (const members of groups.values()) {
    for (const bin of split(members, limits.targetBytes)) {
      if (bin.length < Math.max(2, limits.filesMin)) continue;
      total += sumBytes(bin);
      if (total > limits.runBytesMax && bins.length > 0) return bins;
      bins.push({ day: dayOf(bin[0]) ?? 0, files: bin });
    }
  }
  return bins;
}

function sizeClass(bytes: number): number {
  return Math.max(0, Math.floor(Math.log2(bytes / CLASS_BYTES) / 2) + 1);
}

function split(files: readonly DataFile[], targetBytes: number): DataFile[][] {
  const bins: DataFile[][] = [[]];
  let bytes = 0;
  for (const file of files) {
    if (bytes >= targetBytes) {
      bins.push([]);
      bytes = 0;
    }
    bins[bins.length - 1].push(file);
    bytes += Number(file.file_size_in_bytes);
  }
  return bins;
}

function sumBytes(files: readonly DataFile[]): number {
  return files.reduce((sum, file) => sum + Number(file.file_size_in_bytes), 0);
}
