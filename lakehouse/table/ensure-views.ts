import { currentRowsSql, MillraceError, type ViewSpec, viewName } from "../../schema/index.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { LoadedView, ViewCatalog, ViewDefinition } from "../ports/view-catalog.ts";
import { someAtOnce } from "../some-at-once.ts";
import { tableKey } from "./layout.ts";
import { icebergSchema } from "./schema.ts";

export interface EnsureViewsOptions {
  readonly views: ViewCatalog;
  readonly objectStore: ObjectStore;
  /** Trino's name of the catalog that holds tables and views. */
  readonly trinoCatalog: string;
}

export interface ViewDifference {
  readonly view: string;
  /**
   * What is there: `none`; `other`, a version of ours that differs; `foreign`, a view or a table that Millrace did
   * not make and leaves alone.
   */
  readonly found: "none" | "other" | "foreign";
}

/** Views of that property are Millrace's, to be replaced where they differ. */
const OWN = "millrace.view";
const VIEWS_AT_ONCE = 4;

/** Where the catalog's views differ from the specs. */
export async function viewDifferences(
  specs: readonly ViewSpec[],
  options: EnsureViewsOptions,
): Promise<ViewDifference[]> {
  const differences = await someAtOnce(specs, VIEWS_AT_ONCE, async (spec) => {
    const found = foundOf(await options.views.load(viewName(spec)), definitionOf(spec, options));
    return found === null ? [] : [{ view: viewName(spec), found }];
  });
  return differences.flat();
}

/**
 * Creates what is missing of the views and replaces what differs; their tables' namespaces must be there.
 * Safe to call by several processes at a time.
 *
 * @returns what was done, and what is left: foreign views
 */
export async function ensureViews(
  specs: readonly ViewSpec[],
  options: EnsureViewsOptions,
): Promise<{ readonly applied: readonly ViewDifference[]; readonly left: readonly ViewDifference[] }> {
  const applied = await someAtOnce(specs, VIEWS_AT_ONCE, (spec) => ensureView(spec, options));
  const all = applied.filter((difference) => difference !== null);
  return {
    applied: all.filter(({ found }) => found !== "foreign"),
    left: all.filter(({ found }) => found === "foreign"),
  };
}

/** What was different; null where nothing was. */
async function ensureView(spec: ViewSpec, options: EnsureViewsOptions): Promise<ViewDifference | null> {
  const view = viewName(spec);
  const definition = definitionOf(spec, options);
  const loaded = await options.views.load(view);
  const found = foundOf(loaded, definition);
  if (found === null || found === "foreign") return found === null ? null : { view, found };
  try {
    if (loaded !== null) await options.views.replace(view, loaded.uuid, definition);
    else await options.views.create(view, options.objectStore.uri(tableKey(view)), definition);
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === "commit-conflict")) throw error;
    // Another process was first, our own answer was lost, or a table has the name.
    const now = foundOf(await options.views.load(view), definition);
    if (now !== null) return { view, found: "foreign" };
  }
  return { view, found };
}

function definitionOf({ table, doc }: ViewSpec, { trinoCatalog }: EnsureViewsOptions): ViewDefinition {
  return {
    sql: currentRowsSql(table, `"${table.namespace}"."${table.name}"`),
    fields: icebergSchema(table).fields,
    defaultCatalog: trinoCatalog,
    defaultNamespace: table.namespace,
    properties: { comment: doc, [OWN]: "current" },
  };
}

function foundOf(view: LoadedView | null, definition: ViewDefinition): ViewDifference["found"] | null {
  if (view === null) return "none";
  if (view.properties[OWN] === undefined) return "foreign";
  return comparable(view) === comparable(definition) ? null : "other";
}

/** What of a view must be as defined; a catalog numbers columns itself. */
function comparable({ sql, fields, defaultCatalog, defaultNamespace, properties }: ViewDefinition): string {
  const columns = fields.map(({ name, type, doc }) => [name, type, doc]);
  return JSON.stringify([sql, columns, defaultCatalog, defaultNamespace, properties.comment]);
}
