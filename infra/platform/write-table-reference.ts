import { writeFileSync } from "node:fs";
import { renderDbtSources } from "./dbt-sources.ts";
import { renderTables } from "./table-reference.ts";

writeFileSync(new URL("../../schema/tables.md", import.meta.url), renderTables());
writeFileSync(new URL("../../lakehouse/dbt/models/sources.yml", import.meta.url), renderDbtSources());
