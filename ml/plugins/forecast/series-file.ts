import type { InputFile } from "../../evaluation.ts";
import { csvColumn, parseCsv } from "../../training/csv.ts";
import { unusableFile } from "../../training/input-file.ts";

/** Series of one file, each in the order of its steps, without gaps. */
export interface SeriesFile {
  readonly ids: readonly string[];
  readonly series: readonly Float64Array[];
  /** Steps that the file left out; each was filled, see {@link readSeriesFile}. */
  readonly filledSteps: number;
}

type Step = "integer" | "hour" | "day" | "week" | "month" | "quarter" | "year";

const DAY_MS = 86_400_000;
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2})(?::.*)?)?$/;
/** A gap wider than this is an error of the file, not a pause. */
const GAP_MAX = 1000;

/**
 * Reads `unique_id,ds,y`, one value a line in any order, `ds` an ISO date or a whole number. The step
 * (hour, day, week, month, quarter or year) is the commonest distance of the file; other columns are left
 * unread. A step that a series leaves out is 0 where the whole file is free of negative values and
 * has zeros (nothing was sold), else on the line between its neighbours. Rejects with code
 * `file-unusable`, with the line, for a value or date that is none, and for a date that comes twice.
 */
export async function readSeriesFile(file: InputFile): Promise<SeriesFile> {
  const table = parseCsv(await file.text(), file.path);
  const [idAt, dsAt, yAt] = ["unique_id", "ds", "y"].map((name) => csvColumn(table, name));
  const dates = DATE.test(table.rows[0][dsAt]);
  const ids = new Map<string, number>();
  const owners = new Int32Array(table.rows.length);
  const times = new Float64Array(table.rows.length);
  const values = new Float64Array(table.rows.length);
  table.rows.forEach((cells, row) => {
    const line = row + 2;
    const id = cells[idAt];
    if (id === "") throw unusableFile(file.path, "unique_id is empty", { line });
    if (!ids.has(id)) ids.set(id, ids.size);
    owners[row] = ids.get(id)!;
    times[row] = parseTime(cells[dsAt], dates, file.path, line);
    values[row] = parseValue(cells[yAt], file.path, line);
  });
  const order = Int32Array.from(owners.keys()).sort(
    (a, b) => owners[a] - owners[b] || times[a] - times[b] || a - b,
  );
  const step = dates ? commonStep(order, owners, times) : "integer";
  const zeroFilled = values.every((value) => value >= 0) && values.includes(0);
  let filledSteps = 0;
  const series: Float64Array[] = [];
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && owners[order[to]] === owners[order[from]]) to++;
    const positions = positionsOf(order.subarray(from, to), times, step, file.path);
    const own = new Float64Array(positions[positions.length - 1] + 1);
    positions.forEach((position, i) => {
      own[position] = values[order[from + i]];
      const before = i === 0 ? position - 1 : positions[i - 1];
      filledSteps += position - before - 1;
      if (zeroFilled) return;
      for (let p = before + 1; p < position; p++) {
        own[p] = own[before] + ((own[position] - own[before]) * (p - before)) / (position - before);
      }
    });
    series.push(own);
    from = to;
  }
  return { ids: [...ids.keys()], series, filledSteps };
}

function parseTime(text: string, dates: boolean, path: string, line: number): number {
  const match = DATE.exec(text);
  if (dates && match !== null) {
    const [year, month, day, hour] = match.slice(1).map((part) => Number(part ?? 0));
    const time = Date.UTC(year, month - 1, day, hour);
    if (new Date(time).getUTCDate() === day && month <= 12) return time / DAY_MS;
  }
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (!dates && Number.isSafeInteger(number)) return number;
  throw unusableFile(
    path,
    `ds is "${text}", not ${dates ? "a date like 2011-08-29" : "a whole number"}, as on the first line`,
    { line },
  );
}

function parseValue(text: string, path: string, line: number): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw unusableFile(path, `y is "${text}", not a number`, { line });
}

/** The commonest distance between neighbouring dates of a series, as a unit of the calendar. */
function commonStep(order: Int32Array, owners: Int32Array, days: Float64Array): Step {
  const counts = new Map<number, number>();
  for (let i = 1; i < order.length; i++) {
    const distance = days[order[i]] - days[order[i - 1]];
    if (owners[order[i]] === owners[order[i - 1]] && distance > 0) {
      counts.set(distance, (counts.get(distance) ?? 0) + 1);
    }
  }
  const [distance = 1] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0] ?? [];
  if (distance < 1) return "hour";
  if (distance < 7) return "day";
  if (distance < 28) return "week";
  if (distance < 89) return "month";
  return distance < 360 ? "quarter" : "year";
}

/** Steps since the first value; the rows are one series' in order of time. */
function positionsOf(rows: Int32Array, times: Float64Array, step: Step, path: string): Int32Array {
  const indices = Float64Array.from(rows, (row) => stepIndex(times[row], step));
  const positions = Int32Array.from(indices, (index) => Math.round(index - indices[0]));
  for (let i = 1; i < positions.length; i++) {
    const distance = positions[i] - positions[i - 1];
    if (distance < 1) {
      throw unusableFile(path, "its series has this step already: add the values up or drop one", {
        line: Math.max(rows[i], rows[i - 1]) + 2,
      });
    }
    if (distance > GAP_MAX) {
      throw unusableFile(path, `${distance - 1} steps are missing before it; at most ${GAP_MAX} are filled`, {
        line: rows[i] + 2,
      });
    }
  }
  return positions;
}

function stepIndex(time: number, step: Step): number {
  if (step === "integer" || step === "day") return time;
  if (step === "hour") return time * 24;
  if (step === "week") return time / 7;
  const date = new Date(time * DAY_MS);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth();
  return step === "month" ? months : step === "quarter" ? Math.floor(months / 3) : date.getUTCFullYear();
}
