import { writeFileSync } from "node:fs";
import { renderTables } from "./table-reference.ts";

writeFileSync(new URL("../../schema/tables.md", import.meta.url), renderTables());
