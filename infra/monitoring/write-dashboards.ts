import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderDashboard } from "./dashboard.ts";
import { dashboards } from "./dashboards.ts";

const folder = join(import.meta.dirname, "../images/grafana/dashboards");
for (const spec of dashboards) writeFileSync(join(folder, `${spec.uid}.json`), renderDashboard(spec));
