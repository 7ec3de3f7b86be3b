import type { StateSection } from "../../schema/index.ts";

/**
 * Memory that sections take, bytes by their names, of several tasks added up: arrays and dictionaries with what they have in
 * reserve. Blobs, small by their contract, and what operators keep beside their state are not in it.
 */
export function stateBytesBySection(sections: readonly StateSection[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const section of sections) total[section.name] = (total[section.name] ?? 0) + bytesOf(section);
  return total;
}

function bytesOf({ arrays, dictionaries }: StateSection): number {
  let bytes = 0;
  for (const { values, dirty } of arrays) bytes += values.byteLength + dirty.byteLength;
  for (const dictionary of dictionaries) bytes += dictionary.memoryBytes;
  return bytes;
}
