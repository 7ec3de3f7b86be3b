/** Rows in columns, numbers to the right. */
export function textTable(rows: readonly (readonly (string | number)[])[], indent = "  "): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : cell)),
  );
  const widths = cells.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)),
    [],
  );
  return cells
    .map((row, r) => {
      const line = row.map((cell, i) =>
        typeof rows[r][i] === "number" ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
      );
      return `${indent}${line.join("  ").trimEnd()}\n`;
    })
    .join("");
}
