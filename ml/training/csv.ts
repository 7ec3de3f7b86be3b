import { unusableFile } from "./input-file.ts";

/** A CSV file by columns. */
export interface CsvTable {
  /** The file, for messages. */
  readonly path: string;
  readonly header: readonly string[];
  /** Cells, row by row; every row is as long as the header. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads comma-separated text with a header line (RFC 4180: quoted cells may hold commas, line ends
 * and doubled quotes). Throws code `file-unusable` where it is empty or a row has other cells than
 * the header.
 */
export function parseCsv(text: string, path: string): CsvTable {
  const lines = splitCells(text.replace(/^\uFEFF/, ""));
  const header = lines[0];
  if (header === undefined || lines.length < 2)
    throw unusableFile(path, "it has no rows under a header line");
  lines.forEach((cells, index) => {
    if (cells.length !== header.length) {
      throw unusableFile(path, `${cells.length} cells, the header has ${header.length}`, { line: index + 1 });
    }
  });
  return { path, header, rows: lines.slice(1) };
}

/** Position of a column. Throws code `file-unusable` where there is none. */
export function csvColumn(table: CsvTable, column: string): number {
  const index = table.header.indexOf(column);
  if (index < 0) throw unusableFile(table.path, `it has no column ${column}`);
  return index;
}

function splitCells(text: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  // One cell with its separator: quoted or plain.
  const cell = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|\r|$)/gy;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) {
      cells.push(text.slice(cell.lastIndex));
      break;
    }
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]);
    if (match[3] === ",") {
      if (cell.lastIndex === text.length) cells.push("");
      continue;
    }
    if (cells.length > 1 || cells[0] !== "") lines.push(cells);
    cells = [];
  }
  if (cells.length > 0) lines.push(cells);
  return lines;
}
