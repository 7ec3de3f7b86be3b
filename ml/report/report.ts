import type { EvaluationResult } from "../evaluation.ts";
import type { Evidence } from "./evidence.ts";
import { plotsOf } from "./evidence-plots.ts";
import { escapeXml, renderSvg } from "./svg-plot.ts";

export interface Report {
  readonly title: string;
  /** What was run, to run it again. */
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** What is measured, and on what. */
  readonly doc: string;
  /** Figures, with those of `baseline` or of each of `baselines` beside them where these have the same name. */
  readonly result: EvaluationResult;
  readonly evidence: readonly Evidence[];
}

/** A file of a report. */
export interface ReportFile {
  readonly name: string;
  readonly text: string;
}

interface Table {
  readonly heading: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Lists longer than this are no figures of a table. */
const LIST_MAX = 8;

/**
 * `report.md` with its plots as files beside it, and `report.html`, which holds everything in itself
 * and asks nothing of the network.
 */
export function renderReport(report: Report): readonly ReportFile[] {
  const plots = report.evidence.flatMap(plotsOf).map((plot) => ({ ...plot, svg: renderSvg(plot) }));
  const tables = [figureTable(report.result), factTable(report.result)].filter(({ rows }) => rows.length > 0);
  const markdown = [
    `# ${report.title}`,
    report.doc,
    `Made ${report.createdAt} by`,
    `    ${report.command}`,
    ...tables.flatMap((table) => [`## ${table.heading}`, markdownTable(table)]),
    ...(plots.length > 0 ? ["## Plots"] : []),
    ...plots.map(({ title, name }) => `![${title}](${name}.svg)`),
  ].join("\n\n");
  return [
    { name: "report.md", text: `${markdown}\n` },
    ...plots.map(({ name, svg }) => ({ name: `${name}.svg`, text: `${svg}\n` })),
    {
      name: "report.html",
      text: htmlPage(
        report,
        tables,
        plots.map(({ svg }) => svg),
      ),
    },
  ];
}

/** Figures that a baseline has, too: ours first. */
function figureTable(result: EvaluationResult): Table {
  const baselines = baselinesOf(result);
  const flat = baselines.map(({ name, values }) => ({ name, values: new Map(leaves(values)) }));
  const rows = leaves(withoutBaselines(result))
    .filter(([path]) => flat.some(({ values }) => values.has(path)))
    .map(([path, value]) => [path, cell(value), ...flat.map(({ values }) => cell(values.get(path)))]);
  return {
    heading: "Figures, beside their baselines",
    header: ["figure", "ours", ...baselines.map(({ name }) => name)],
    rows,
  };
}

/** Everything else: seed, split, counts, times. */
function factTable(result: EvaluationResult): Table {
  const known = new Set(figureTable(result).rows.map(([path]) => path));
  const rows = leaves(withoutBaselines(result))
    .filter(([path]) => !known.has(path))
    .map(([path, value]) => [path, cell(value)]);
  return { heading: "Data, split and model", header: ["what", "value"], rows };
}

function baselinesOf(result: EvaluationResult): { readonly name: string; readonly values: object }[] {
  const found: { readonly name: string; readonly values: object }[] = [];
  if (isObject(result.baseline)) found.push({ name: "baseline", values: result.baseline });
  if (isObject(result.baselines)) {
    for (const [name, values] of Object.entries(result.baselines)) {
      if (isObject(values)) found.push({ name, values });
    }
  }
  return found;
}

function withoutBaselines({ baseline: _one, baselines: _all, ...rest }: EvaluationResult): object {
  return rest;
}

/** Numbers, texts and short lists of them, by path. */
function leaves(value: object, prefix = ""): (readonly [path: string, value: unknown])[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    if (Array.isArray(inner)) {
      return inner.length <= LIST_MAX && inner.every((one) => !isObject(one)) ? [[path, inner] as const] : [];
    }
    if (isObject(inner)) return leaves(inner, path);
    return [[path, inner] as const];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(cell).join(", ");
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(5)));
  return String(value);
}

function markdownTable({ header, rows }: Table): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(header), row(header.map(() => "---")), ...rows.map(row)].join("\n");
}

function htmlPage(report: Report, tables: readonly Table[], plots: readonly string[]): string {
  const table = ({ heading, header, rows }: Table): string => {
    const cells = (tag: "th" | "td", row: readonly string[]): string =>
      `<tr>${row.map((text) => `<${tag}>${escapeXml(text)}</${tag}>`).join("")}</tr>`;
    return `<h2>${escapeXml(heading)}</h2><table><thead>${cells("th", header)}</thead><tbody>${rows.map((row) => cells("td", row)).join("")}</tbody></table>`;
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeXml(report.title)}</title><style>
body { font-family: sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; }
td + td { font-variant-numeric: tabular-nums; } svg { max-width: 100%; height: auto; margin: .5rem 0; } pre { overflow: auto; }
</style></head><body>
<h1>${escapeXml(report.title)}</h1>
<p>${escapeXml(report.doc)}</p>
<p>Made ${escapeXml(report.createdAt)} by</p><pre>${escapeXml(report.command)}</pre>
${tables.map(table).join("\n")}
${plots.length > 0 ? `<h2>Plots</h2>\n${plots.join("\n")}` : ""}
</body></html>
`;
}
