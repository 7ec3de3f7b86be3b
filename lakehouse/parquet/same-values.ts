import type { Column } from "../../schema/index.ts";

/**
 * Whether two columns are the same memory read in the same way, so that every row has the same value in
 * both. Equal values in different places do not count.
 */
export function sameValues(a: Column, b: Column): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "text":
      return b.kind === "text" && a.bytes === b.bytes && a.start === b.start && a.end === b.end;
    case "key":
      return b.kind === "key" && a.ids === b.ids && a.dictionary === b.dictionary;
    case "enum":
      return b.kind === "enum" && a.codes === b.codes && a.symbols === b.symbols;
    default:
      return "values" in b && a.kind === b.kind && a.values === b.values && a.valid === b.valid;
  }
}
