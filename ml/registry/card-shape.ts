import type { ModelCard } from "./model-card.ts";

/** Where a value is not what it has to be, and what it has to be, as `rows.train is null, not a number`; null where it is. */
type Check = (value: unknown, path: string) => string | null;

const text: Check = (value, path) => (typeof value === "string" ? null : wrong(value, path, "a text"));

/** JSON has no others: what was none when it was stored is null. */
const finite: Check = (value, path) => (Number.isFinite(value) ? null : wrong(value, path, "a number"));

const time: Check = (value, path) =>
  typeof value === "string" && Number.isFinite(Date.parse(value)) ? null : wrong(value, path, "a time");

function optional(check: Check): Check {
  return (value, path) => (value === undefined ? null : check(value, path));
}

function nullable(check: Check): Check {
  return (value, path) => (value === null ? null : check(value, path));
}

function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return wrong(value, path, "a list");
    return firstOf(value.map((one, i) => () => check(one, `${path}[${i}]`)));
  };
}

function recordOf(check: Check): Check {
  return (value, path) => {
    if (!isRecord(value)) return wrong(value, path, "an object");
    return firstOf(
      Object.entries(value).map(
        ([name, one]) =>
          () =>
            check(one, join(path, name)),
      ),
    );
  };
}

/** Fields that it does not name may be there: those of later versions. */
function shape(fields: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (!isRecord(value)) return wrong(value, path, "an object");
    return firstOf(
      Object.entries(fields).map(
        ([name, check]) =>
          () =>
            check(value[name], join(path, name)),
      ),
    );
  };
}

const bins: Check = (value, path) => {
  const found = shape({ min: finite, max: finite, edges: listOf(finite), shares: listOf(finite) })(
    value,
    path,
  );
  if (found !== null) return found;
  const { edges, shares } = value as { edges: number[]; shares: number[] };
  return shares.length === edges.length + 3
    ? null
    : `${path}.shares has ${shares.length} entries, not ${edges.length + 3}`;
};

const CARD = shape({
  plugin: text,
  version: text,
  trainedAt: time,
  dataRange: shape({ from: text, cut: text, to: text }),
  rows: shape({ train: finite, validation: finite, unknownLabel: finite }),
  openSessions: optional(text),
  straddling: optional(text),
  features: listOf(text),
  evaluation: shape({
    rows: finite,
    positives: finite,
    metrics: recordOf(shape({ model: finite, baseline: finite })),
    reliability: listOf(shape({ rows: finite, meanScore: finite, rate: finite })),
  }),
  baselines: optional(recordOf(recordOf(finite))),
  incumbent: shape({ version: text, metric: finite, advantageMin: optional(nullable(finite)) }),
  scoreMicros: optional(finite),
  reference: optional(shape({ score: bins, features: recordOf(bins) })),
  seed: finite,
  codeRevision: text,
  weightsSha256: text,
} satisfies Readonly<Record<keyof ModelCard, Check>>);

/** What keeps a value from being a card, with the field; null where it is one. */
export function cardProblem(value: unknown): string | null {
  return CARD(value, "");
}

function firstOf(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const found = check();
    if (found !== null) return found;
  }
  return null;
}

function wrong(value: unknown, path: string, wanted: string): string {
  const is = value === undefined ? "missing" : typeof value === "number" ? String(value) : kindOf(value);
  return `${path === "" ? "it" : path} is ${is}, not ${wanted}`;
}

function kindOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : typeof value === "object" ? "an object" : String(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
