import { describe, expect, it } from "vitest";
import { columnValue, createTextColumn, type TextColumn } from "./column.ts";
import { TextInterner } from "./text-interner.ts";

const utf8 = new TextEncoder();

function fill(column: TextColumn, texts: readonly (string | null)[]): void {
  column.bytes = utf8.encode(texts.join(""));
  let at = 0;
  texts.forEach((text, row) => {
    column.start[row] = text === null ? -1 : at;
    at += text === null ? 0 : utf8.encode(text).length;
    column.end[row] = at;
  });
}

const valuesOf = (column: TextColumn, rows: number) =>
  Array.from({ length: rows }, (_, row) =>
    column.interned == null ? undefined : columnValue(column.interned, row),
  );

describe("TextInterner", () => {
  it("gives the rows of every batch, also where its dictionary begins anew", () => {
    const column = createTextColumn(100);
    const interner = new TextInterner([column], 100, { entriesMax: 150, bytesMax: 1 << 20, restRows: 1000 });
    const generations = new Set<number>();
    for (let batch = 0; batch < 50; batch++) {
      const texts = Array.from({ length: 100 }, (_, row) =>
        row % 7 === 0 ? null : `é${(batch * 20 + row) % 400}`,
      );
      fill(column, texts);
      interner.intern(100);
      expect(valuesOf(column, 100)).toEqual(texts);
      generations.add(column.interned?.dictionary.generation ?? -1);
      expect(column.interned?.dictionary.size).toBeLessThanOrEqual(250);
    }
    expect(generations.size).toBeGreaterThan(2);
  });

  it("leaves columns without values and of mostly distinct values alone, and tries these again later", () => {
    const [ids, none] = [createTextColumn(4096), createTextColumn(4096)];
    const interner = new TextInterner([ids, none], 4096, {
      entriesMax: 1 << 18,
      bytesMax: 1 << 20,
      restRows: 8192,
    });
    none.empty = true;
    const interned = [0, 1, 2, 3].map((batch) => {
      fill(
        ids,
        Array.from({ length: 4096 }, (_, row) => (batch < 3 ? `id-${batch}-${row}` : "the same")),
      );
      interner.intern(4096);
      expect(none.interned).toBeNull();
      return ids.interned !== null;
    });
    expect(interned).toEqual([false, false, false, true]);
  });
});
