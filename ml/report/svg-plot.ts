/** Plots as SVG text, without a library: axes, lines, points, bars. */

export interface PlotSeries {
  readonly name: string;
  /** x and y by turns. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** `dashed` for what a curve is held against. */
  readonly style: "line" | "points" | "dashed";
}

export interface LinePlot {
  readonly kind: "lines";
  /** Also the name of its file: lower case, words by hyphens. */
  readonly name: string;
  readonly title: string;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly series: readonly PlotSeries[];
}

export interface PlotAxis {
  readonly label: string;
  readonly min: number;
  readonly max: number;
}

/** Horizontal bars, one a name, in the order given. */
export interface BarPlot {
  readonly kind: "bars";
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

export type Plot = LinePlot | BarPlot;

const WIDTH = 640;
const HEIGHT = 420;
const LEFT = 64;
const TOP = 36;
const RIGHT = 16;
const BOTTOM = 68;
/** Width of a character, about. */
const CHARACTER = 6.5;
const BAR_HEIGHT = 18;
const BAR_LABEL = 220;
const TICKS = 5;
/** Told apart by most who see colours differently (Okabe and Ito, 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/** One `<svg>` element; needs nothing from outside. */
export function renderSvg(plot: Plot): string {
  return plot.kind === "lines" ? renderLines(plot) : renderBars(plot);
}

function renderLines({ title, x, y, series }: LinePlot): string {
  const toX = (value: number): number => LEFT + ((value - x.min) / span(x)) * (WIDTH - LEFT - RIGHT);
  const toY = (value: number): number =>
    HEIGHT - BOTTOM - ((value - y.min) / span(y)) * (HEIGHT - TOP - BOTTOM);
  const marks = series.map((one, i) => drawSeries(one, COLOURS[i % COLOURS.length], toX, toY));
  let legendAt = LEFT;
  const legend = series.map(({ name }, i) => {
    const at = legendAt;
    legendAt += 32 + name.length * CHARACTER;
    return `<rect x="${round(at)}" y="${HEIGHT - 19}" width="10" height="10" fill="${COLOURS[i % COLOURS.length]}"/>${label(at + 16, HEIGHT - 10, name)}`;
  });
  return frame(title, HEIGHT, [
    ...ticks(x).map(
      (value) =>
        `${line(toX(value), TOP, toX(value), HEIGHT - BOTTOM)}${label(toX(value), HEIGHT - BOTTOM + 18, tick(value), "middle")}`,
    ),
    ...ticks(y).map(
      (value) =>
        `${line(LEFT, toY(value), WIDTH - RIGHT, toY(value))}${label(LEFT - 8, toY(value) + 4, tick(value), "end")}`,
    ),
    label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 30, x.label, "middle"),
    `<g transform="rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})">${label(14, (TOP + HEIGHT - BOTTOM) / 2, y.label, "middle")}</g>`,
    ...marks,
    ...legend,
  ]);
}

function drawSeries(
  { points, style }: PlotSeries,
  colour: string,
  toX: (value: number) => number,
  toY: (value: number) => number,
): string {
  const places = points
    .filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py))
    .map(([px, py]) => [round(toX(px)), round(toY(py))] as const);
  if (style === "points") {
    return places
      .map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3" fill="${colour}" fill-opacity="0.6"/>`)
      .join("");
  }
  const dash = style === "dashed" ? ' stroke-dasharray="6 4"' : "";
  return `<polyline fill="none" stroke="${colour}" stroke-width="2"${dash} points="${places.map((place) => place.join(",")).join(" ")}"/>`;
}

function renderBars({ title, xLabel, bars }: BarPlot): string {
  const height = TOP + bars.length * BAR_HEIGHT + BOTTOM;
  const low = Math.min(0, ...bars.map(({ value }) => value));
  const axis = {
    label: xLabel,
    min: low,
    max: Math.max(low + Number.MIN_VALUE, 0, ...bars.map(({ value }) => value)),
  };
  const toX = (value: number): number =>
    BAR_LABEL + ((value - axis.min) / span(axis)) * (WIDTH - BAR_LABEL - 72);
  return frame(title, height, [
    ...bars.map(({ name, value }, i) => {
      const top = TOP + i * BAR_HEIGHT;
      const [from, to] = [Math.min(toX(0), toX(value)), Math.max(toX(0), toX(value))];
      return `${label(BAR_LABEL - 8, top + 12, name, "end")}<rect x="${round(from)}" y="${top + 2}" width="${round(to - from)}" height="${BAR_HEIGHT - 4}" fill="${COLOURS[0]}"/>${label(to + 6, top + 12, tick(value))}`;
    }),
    label((BAR_LABEL + WIDTH) / 2, height - 16, xLabel, "middle"),
  ]);
}

function frame(title: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="sans-serif" font-size="12"><title>${escapeXml(title)}</title><rect width="${WIDTH}" height="${height}" fill="#fff"/><text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="14">${escapeXml(title)}</text>${parts.join("")}</svg>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#ddd"/>`;
}

function label(x: number, y: number, text: string, anchor: "start" | "middle" | "end" = "start"): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="#333">${escapeXml(text)}</text>`;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A length that can be divided by, also where all values are the same. */
function span({ min, max }: PlotAxis): number {
  return max > min ? max - min : 1;
}

function ticks({ min, max }: PlotAxis): number[] {
  return Array.from({ length: TICKS + 1 }, (_, i) => min + ((max - min) * i) / TICKS);
}

function tick(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
