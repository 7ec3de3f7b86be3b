/** Text and quoted names, which stay as they are; then tables, in braces already or not. */
const PARTS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\{[^}]*\}|\b(?:bronze|silver|gold)\.[a-z][a-z0-9_]*\b/g;
const TABLE = /^(?:bronze|silver|gold)\./;

/** The query with its tables as the query engine's port takes them: `gold.x` becomes `{gold.x}`. */
export function tablesInBraces(sql: string): string {
  return sql.replace(PARTS, (part) => (TABLE.test(part) ? `{${part}}` : part));
}
