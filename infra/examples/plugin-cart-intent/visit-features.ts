import type { FeatureGroup, FeatureKeys, FeatureState } from "../../../ml/index.ts";
import { EventTypeCode, SESSION_GAP_MS, type ShopperEventBatch } from "../../../ml/index.ts";
import type { SlotArray, StateSection } from "../../../schema/index.ts";

export const VISIT_FEATURES = ["views", "searches", "cart_adds", "minutes", "minutes_since_last"] as const;

/** One user's state is a record of four integers and one of three doubles (and one to spare). */
const INTS_SHIFT = 2;
const VIEWS = 0;
const SEARCHES = 1;
const CART_ADDS = 2;
const SEEN = 3;
const TIMES_SHIFT = 2;
const START = 0;
const LAST = 1;
const GAP = 2;

const MINUTE_MS = 60_000;

/** What the shopper did in this visit. The stream folds it live, training folds the same over bronze. */
export const visitFeatures: FeatureGroup<ShopperEventBatch> = {
  name: "visit",
  features: VISIT_FEATURES,
  createState: (section, keys) => new VisitState(section, keys),
};

class VisitState implements FeatureState<ShopperEventBatch> {
  private readonly keys: FeatureKeys;
  private readonly ints: SlotArray<Int32Array>;
  private readonly times: SlotArray<Float64Array>;
  /** Keeps the loads of {@link readAhead} from being dropped as unused. */
  loaded = 0;

  constructor(section: StateSection, keys: FeatureKeys) {
    this.keys = keys;
    this.ints = section.int32("ints");
    this.times = section.float64("times");
  }

  ensure(): void {
    this.ints.ensure(this.keys.userId.size << INTS_SHIFT);
    this.times.ensure(this.keys.userId.size << TIMES_SHIFT);
  }

  readAhead(slots: Int32Array, from: number, to: number): void {
    let sum = 0;
    for (let i = from; i < to; i++) sum += this.ints.values[slots[i] << INTS_SHIFT];
    this.loaded = sum;
  }

  fold(batch: ShopperEventBatch, row: number): void {
    const user = batch.userId.ids[row];
    const n = user << INTS_SHIFT;
    const t = user << TIMES_SHIFT;
    const ints = this.ints.values;
    const times = this.times.values;
    // Every write marks its page: a checkpoint saves the pages that changed.
    this.ints.mark(n);
    this.times.mark(t);
    const time = batch.eventTime.values[row];
    const gap = time - times[t + LAST];
    if (ints[n + SEEN] === 0 || gap > SESSION_GAP_MS) {
      ints.fill(0, n, n + SEEN);
      ints[n + SEEN] = 1;
      times[t + START] = time;
      times[t + LAST] = time;
      times[t + GAP] = 0;
    } else if (gap >= 0) {
      times[t + LAST] = time;
      times[t + GAP] = gap;
    }
    const type = batch.eventType.codes[row];
    if (type === EventTypeCode.page_view || type === EventTypeCode.item_view) ints[n + VIEWS]++;
    else if (type === EventTypeCode.search) ints[n + SEARCHES]++;
    else if (type === EventTypeCode.cart_add) ints[n + CART_ADDS]++;
  }

  read(user: number, nowMs: number, out: Float64Array, base: number): void {
    const n = user << INTS_SHIFT;
    const t = user << TIMES_SHIFT;
    const ints = this.ints.values;
    const times = this.times.values;
    out[base] = Math.log1p(ints[n + VIEWS]);
    out[base + 1] = Math.log1p(ints[n + SEARCHES]);
    out[base + 2] = Math.log1p(ints[n + CART_ADDS]);
    out[base + 3] = Math.log1p(Math.max(0, nowMs - times[t + START]) / MINUTE_MS);
    out[base + 4] = Math.log1p(times[t + GAP] / MINUTE_MS);
  }
}
