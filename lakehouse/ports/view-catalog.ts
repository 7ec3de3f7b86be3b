import type { SchemaField } from "../table/table-metadata.ts";

/** What a view is (https://iceberg.apache.org/view-spec/). */
export interface ViewDefinition {
  /** The query, in Trino's dialect. */
  readonly sql: string;
  /** Its columns. */
  readonly fields: readonly SchemaField[];
  /** Trino's catalog and the namespace in which names of the query are looked up. */
  readonly defaultCatalog: string;
  readonly defaultNamespace: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface LoadedView extends ViewDefinition {
  readonly uuid: string;
}

/** Views of a catalog, named `NAMESPACE.VIEW`. */
export interface ViewCatalog {
  /** The newest version of the view, or null when there is none. */
  load(view: string): Promise<LoadedView | null>;
  /** Creates it in a namespace that is there. Rejects with `commit-conflict` where the name is taken, by a table too. */
  create(view: string, location: string, definition: ViewDefinition): Promise<void>;
  /** Gives the view with that uuid a further version. Rejects with `commit-conflict` where it is another by now. */
  replace(view: string, uuid: string, definition: ViewDefinition): Promise<void>;
}
