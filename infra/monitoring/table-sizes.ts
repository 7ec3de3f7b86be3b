import { type Catalog, currentSnapshot } from "../../lakehouse/index.ts";
import { type TableSpec, tableName } from "../../schema/index.ts";

export interface TableSize {
  readonly table: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
}

/** As the newest snapshot of each table sums it up; tables without one, or whose writer left that out, are left out. */
export async function tableSizes(
  catalog: Pick<Catalog, "load">,
  specs: readonly TableSpec[],
): Promise<TableSize[]> {
  const sizes: TableSize[] = [];
  for (const table of specs.map(tableName)) {
    const loaded = await catalog.load(table);
    const summary = (loaded && currentSnapshot(loaded.metadata))?.summary ?? {};
    const [files, rows, bytes] = ["total-data-files", "total-records", "total-files-size"].map((name) =>
      Number(summary[name]),
    );
    if (Number.isFinite(files + rows + bytes)) sizes.push({ table, files, rows, bytes });
  }
  return sizes;
}
