import type { ObjectStore } from "../../lakehouse/index.ts";
import { type DemandOutlook, decodeOutlook, encodeOutlook } from "../../ml/index.ts";
import type { DemandForecasts } from "../../ml/plugins/forecast/index.ts";
import { MillraceError } from "../../schema/index.ts";

const PREFIX = "forecasts/demand/";
/** Kept beside the newest one: a worker may be about to read it. */
const EARLIER_KEPT = 1;
const TIME_DIGITS = 16;

/**
 * Stores the daily forecasts of the warehouses for the stream, and drops those of earlier runs. A crash
 * before the put leaves the run before in force; one behind it leaves an object more, which the next
 * run drops.
 */
export async function storeOutlook(
  objects: ObjectStore,
  forecasts: readonly DemandForecasts[],
  madeAt: number,
): Promise<void> {
  const daily = forecasts.find(({ step }) => step === "day");
  if (daily === undefined) return;
  const { keys, horizon, startMs, stepMs } = daily;
  const own = keys.flatMap(({ warehouseId }, s) => (warehouseId === null ? [] : [s]));
  const figuresOf = (values: Float64Array): Float64Array => {
    const figures = new Float64Array(own.length * horizon);
    own.forEach((s, k) => {
      figures.set(values.subarray(s * horizon, (s + 1) * horizon), k * horizon);
    });
    return figures;
  };
  const key = `${PREFIX}${String(madeAt).padStart(TIME_DIGITS, "0")}`;
  const bytes = encodeOutlook({
    version: String(madeAt),
    places: own.map((s) => ({ productId: keys[s].productId, warehouseId: keys[s].warehouseId ?? "" })),
    ...{ horizon, startMs, stepMs },
    ...{
      mean: figuresOf(daily.mean),
      lower80: figuresOf(daily.lower80),
      upper80: figuresOf(daily.upper80),
    },
  });
  await objects.put(key, bytes);
  const stored = await storedKeys(objects);
  await objects.delete(stored.slice(0, Math.max(0, stored.length - 1 - EARLIER_KEPT)));
}

/** In the order in which they were made. */
async function storedKeys(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(PREFIX)) keys.push(key);
  return keys;
}

/**
 * The newest forecast of demand in a running worker. {@link refresh} looks for a newer one; whatever is
 * wrong with it, the last good one is asked on.
 */
export class OutlookSlot {
  private readonly objects: ObjectStore;
  private readonly onProblem: (error: MillraceError) => void;
  private key: string | null = null;
  private newest: DemandOutlook | null = null;

  constructor(objects: ObjectStore, onProblem: (error: MillraceError) => void) {
    this.objects = objects;
    this.onProblem = onProblem;
  }

  /** Null before the first forecast. */
  get outlook(): DemandOutlook | null {
    return this.newest;
  }

  /** Never rejects. Costs one listing where nothing changed. */
  async refresh(): Promise<void> {
    try {
      const key = (await storedKeys(this.objects)).at(-1) ?? null;
      if (key === this.key || key === null) return;
      const bytes = await this.objects.get(key);
      // Told once: a corrupt one is not read again.
      this.key = key;
      this.newest = decodeOutlook(bytes);
    } catch (error) {
      // A newer one took its place meanwhile: it is found with the next look.
      if (error instanceof MillraceError && error.code === "object-not-found") return;
      this.onProblem(
        error instanceof MillraceError
          ? error
          : new MillraceError("the forecast of demand cannot be read from the object store", {
              code: "forecast-unavailable",
              origin: "external",
              retry: true,
              cause: error,
            }),
      );
    }
  }
}
