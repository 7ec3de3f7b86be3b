import { type Catalog, currentSnapshot } from "../../../lakehouse/index.ts";

export interface TableTotals {
  readonly files: number;
  readonly bytes: number;
  /** Tables that have any. */
  readonly rowsByTable: Readonly<Record<string, number>>;
}

/** What the tables hold now, as the summaries of their snapshots say. */
export async function tableTotals(catalog: Catalog): Promise<TableTotals> {
  let files = 0;
  let bytes = 0;
  const rowsByTable: Record<string, number> = {};
  for (const namespace of ["bronze", "silver", "gold"]) {
    for (const table of await catalog.list(namespace)) {
      const loaded = await catalog.load(table);
      const snapshot = loaded === null ? null : currentSnapshot(loaded.metadata);
      if (snapshot === null) continue;
      const total = (of: string): number => Number(snapshot.summary[`total-${of}`]);
      files += total("data-files");
      bytes += total("files-size");
      if (total("records") > 0) rowsByTable[table] = total("records");
    }
  }
  return { files, bytes, rowsByTable };
}
