/** A line of a panel: an expression, and what its series are called (`{{label}}` is the label's value). */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  /** What a reader should know to judge it. */
  readonly description: string;
  /** `state`: the newest value in large, green or red. `lines`: the values over time. `bars`: the newest values by series. */
  readonly kind: "state" | "lines" | "bars";
  /** Grafana's name of the unit, such as `s`, `bytes` or `percentunit`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** From this value on it is red; `below`: it is red up to there. */
  readonly red?: { readonly from: number } | { readonly below: number };
  /** Columns of 24; by default 4 of a state, 12 of others. */
  readonly width?: number;
}

export interface DashboardSpec {
  /** Name of its file, and part of its address. */
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelSpec[] }[];
}

const COLUMNS = 24;
const HEIGHTS = { state: 4, lines: 8, bars: 8 } as const;
const WIDTHS = { state: 4, lines: 12, bars: 12 } as const;
const TYPES = { state: "stat", lines: "timeseries", bars: "bargauge" } as const;
/** As in infra/images/grafana/datasources.yml. */
const DATASOURCE = { type: "prometheus", uid: "prometheus" };
const SCHEMA_VERSION = 41;

/** The dashboard as Grafana reads it: panels from left to right, each row under its heading. */
export function renderDashboard({ uid, title, rows }: DashboardSpec): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? WIDTHS[panel.kind];
      if (x + w > COLUMNS) {
        y += height;
        x = height = 0;
      }
      const h = HEIGHTS[panel.kind];
      panels.push(renderPanel(panel, panels.length + 1, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  const dashboard = {
    uid,
    title,
    tags: ["millrace"],
    schemaVersion: SCHEMA_VERSION,
    editable: false,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    links: [{ type: "dashboards", title: "Millrace", tags: ["millrace"], asDropdown: false, keepTime: true }],
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function renderPanel(panel: PanelSpec, id: number, gridPos: object): object {
  const { title, description, kind, unit, queries, red } = panel;
  return {
    id,
    type: TYPES[kind],
    title,
    description,
    gridPos,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: { mode: "absolute", steps: steps(red) },
        color: { mode: kind === "lines" ? "palette-classic" : "thresholds" },
      },
      overrides: [],
    },
    options: OPTIONS[kind],
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      instant: kind !== "lines",
      range: kind === "lines",
    })),
  };
}

const REDUCED = { calcs: ["lastNotNull"], fields: "", values: false };

const OPTIONS = {
  state: { reduceOptions: REDUCED, colorMode: "background", graphMode: "none", textMode: "auto" },
  lines: {
    legend: { displayMode: "list", placement: "bottom", showLegend: true },
    tooltip: { mode: "multi", sort: "desc" },
  },
  bars: { reduceOptions: REDUCED, orientation: "horizontal", displayMode: "basic" },
} as const;

/** Grafana's steps rise; the first has no value. */
function steps(red: PanelSpec["red"]): object[] {
  if (red === undefined) return [{ color: "green", value: null }];
  if ("from" in red) {
    return [
      { color: "green", value: null },
      { color: "red", value: red.from },
    ];
  }
  return [
    { color: "red", value: null },
    { color: "green", value: red.below },
  ];
}
