import {
  addBuckets,
  BUCKET_COUNT,
  FUNNEL_RECORD,
  FUNNEL_STEPS,
  type FunnelRecord,
  goldFunnel,
  type HotStore,
  medianOf,
} from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { Funnel, FunnelArgs, FunnelBasis, FunnelRow, FunnelStep } from "./type.ts";

/** Rows of the lake that one answer adds up. */
const FUNNEL_ROWS_MAX = 50_000;
const VALUES_MAX = 100;
const COUNTS = ["views", "carts", "checkouts", "purchases"] as const;

interface Group {
  readonly day: number | null;
  readonly categoryId: string | null;
  readonly device: string | null;
  readonly country: string | null;
  readonly counts: number[];
  /** By step after the first, then by bucket of time. */
  readonly times: readonly number[][];
}

export class FunnelService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** Funnels of the groups asked for, added up from the newest revision of the rows of gold.funnel. */
  async daily(args: FunnelArgs): Promise<Funnel> {
    const { from, to, basis, asOf } = args;
    const filters = { categoryIds: args.categoryIds, devices: args.devices, countries: args.countries };
    for (const [name, values] of Object.entries(filters)) {
      if ((values?.length ?? 0) > VALUES_MAX)
        throw userError("invalid-argument", `${name} takes at most ${VALUES_MAX}.`);
    }
    const conditions = new Conditions()
      .compare("basis", "=", basis)
      .oneOf("category_id", args.categoryIds)
      .oneOf("device", args.devices)
      .oneOf("country", args.countries)
      .withinDays("window_start", from, to);
    const pinned = await this.lake.pin(goldFunnel, asOf);
    const sql =
      `select * from (${newestRevisions(goldFunnel, conditions)}) as holding ` +
      `where views > 0 limit ${FUNNEL_ROWS_MAX + 1}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    if (rows.length > FUNNEL_ROWS_MAX) {
      throw userError(
        "result-too-large",
        `The range has more than ${FUNNEL_ROWS_MAX} rows. Take a shorter range, or fewer categories, devices or countries.`,
      );
    }
    return { basis, rows: addUp(rows, args), freshness: pinned.freshness };
  }

  /** The newest day of the stream. */
  async latest(basis: FunnelBasis): Promise<Funnel | null> {
    const record = await readHot<FunnelRecord>(this.hotStore, FUNNEL_RECORD, "latest");
    const funnel = record?.funnels.find((one) => one.basis === basis);
    if (record === null || funnel === undefined) return null;
    const counts = funnel.steps.map(({ journeys }) => journeys);
    const steps = funnel.steps.map(({ medianMs }, at) => stepOf(counts, at, medianMs));
    return {
      basis,
      rows: [{ day: record.windowStart, categoryId: null, device: null, country: null, steps }],
      freshness: { watermark: record.watermarkMs, snapshotId: null, committedAt: null },
    };
  }
}

function addUp(rows: readonly Row[], { by }: FunnelArgs): FunnelRow[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const head = {
      day: by.includes("day") ? time(row, "window_start") : null,
      categoryId: by.includes("category") ? text(row, "category_id") : null,
      device: by.includes("device") ? text(row, "device") : null,
      country: by.includes("country") ? text(row, "country") : null,
    };
    const id = JSON.stringify(head);
    const group = groups.get(id) ?? {
      ...head,
      counts: COUNTS.map(() => 0),
      times: FUNNEL_STEPS.slice(1).map(() => new Array<number>(BUCKET_COUNT).fill(0)),
    };
    groups.set(id, group);
    for (const [step, column] of COUNTS.entries()) group.counts[step] += number(row, column);
    for (const [i, step] of FUNNEL_STEPS.slice(1).entries())
      addBuckets(text(row, `${step}_times`), group.times[i]);
  }
  return [...groups.values()]
    .sort((a, b) => (a.day ?? 0) - (b.day ?? 0) || b.counts[0] - a.counts[0] || (idOf(a) < idOf(b) ? -1 : 1))
    .map(({ counts, times, ...head }) => ({
      ...head,
      steps: counts.map((_, at) => stepOf(counts, at, at === 0 ? null : medianOf(times[at - 1]))),
    }));
}

function idOf({ categoryId, device, country }: Group): string {
  return `${categoryId}|${device}|${country}`;
}

function stepOf(counts: readonly number[], at: number, medianMs: number | null): FunnelStep {
  const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
  return {
    step: FUNNEL_STEPS[at],
    journeys: counts[at],
    conversion: share(counts[at], counts[0]),
    dropOff: at === 0 ? 0 : share(counts[at - 1] - counts[at], counts[at - 1]),
    medianMs,
  };
}
