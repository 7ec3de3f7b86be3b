/**
 * Says of a table that a platform which has run did not find, and has made. A new version of Millrace may bring one;
 * else somebody dropped it, or the catalog's address leads elsewhere, and nothing but this tells that its rows are gone.
 */
export function warnOfNewTable(warn: (message: string) => void): (table: string) => void {
  return (table) =>
    warn(
      `the table ${table} was not in the catalog and was made, empty. Unless a new version has brought it: was it dropped, or is this another catalog? ` +
        "The files of a dropped one are in the object store until its orphans are removed: to get its rows back, stop the platform, drop the empty table and register the old one by its newest metadata file",
    );
}
