import { MillraceError, utf8Decoder } from "../schema/index.ts";
import type { DemandForecast } from "./inventory.ts";

/** Where a demand is expected. */
export interface DemandPlace {
  readonly productId: string;
  readonly warehouseId: string;
}

/** Daily demand that is expected by product and warehouse, as the stream asks for it. */
export interface DemandOutlook {
  /** Names the run that made it. */
  readonly version: string;
  /** Null where nothing was forecast. Holds until the next answer. */
  of(place: DemandPlace): DemandForecast | null;
}

/** Series of one run: figures by series, then step. */
export interface OutlookSeries {
  readonly version: string;
  readonly places: readonly DemandPlace[];
  readonly horizon: number;
  readonly startMs: number;
  readonly stepMs: number;
  readonly mean: Float64Array;
  readonly lower80: Float64Array;
  readonly upper80: Float64Array;
}

const FORMAT = "millrace-demand-outlook-1";
const HEADER_BYTES = 4;
const FIGURES = ["mean", "lower80", "upper80"] as const;

/** One object: the length of a JSON header, the header, and the figures as 32-bit floats. */
export function encodeOutlook({ mean, lower80, upper80, ...named }: OutlookSeries): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...named }));
  const size = mean.length * Float32Array.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(HEADER_BYTES + header.length + FIGURES.length * size);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, HEADER_BYTES);
  for (const [k, values] of [mean, lower80, upper80].entries())
    bytes.set(new Uint8Array(Float32Array.from(values).buffer), HEADER_BYTES + header.length + k * size);
  return bytes;
}

/** Throws code `model-corrupt` where the bytes are not what {@link encodeOutlook} wrote. */
export function decodeOutlook(bytes: Uint8Array): DemandOutlook {
  try {
    const headerBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    const figuresAt = HEADER_BYTES + headerBytes;
    const header = JSON.parse(utf8Decoder.decode(bytes.subarray(HEADER_BYTES, figuresAt))) as Omit<
      OutlookSeries,
      (typeof FIGURES)[number]
    > & { readonly format: string };
    const count = header.places.length * header.horizon;
    const size = count * Float32Array.BYTES_PER_ELEMENT;
    if (header.format !== FORMAT || bytes.length !== figuresAt + FIGURES.length * size)
      throw new Error("it is of another form, or cut off");
    const figures = FIGURES.map((_, k) => floatsOf(bytes.subarray(figuresAt + k * size), count));
    return outlookOf(header, figures);
  } catch (cause) {
    throw new MillraceError(`the forecast of demand cannot be read: ${(cause as Error).message}`, {
      code: "model-corrupt",
      origin: "external",
      cause,
    });
  }
}

/** A copy, so that it is aligned whatever the bytes are a part of. */
function floatsOf(bytes: Uint8Array, count: number): Float32Array {
  const values = new Float32Array(count);
  new Uint8Array(values.buffer).set(bytes.subarray(0, values.byteLength));
  return values;
}

function outlookOf(
  { version, places, horizon, startMs, stepMs }: Omit<OutlookSeries, (typeof FIGURES)[number]>,
  figures: readonly Float32Array[],
): DemandOutlook {
  const numbers = new Map(places.map((place, s) => [nameOf(place), s]));
  return {
    version,
    of(place) {
      const s = numbers.get(nameOf(place));
      if (s === undefined) return null;
      const [mean, lower80, upper80] = figures.map((values) =>
        Float64Array.from(values.subarray(s * horizon, (s + 1) * horizon)),
      );
      return { mean, lower80, upper80, startMs, stepMs };
    },
  };
}

function nameOf({ productId, warehouseId }: DemandPlace): string {
  return JSON.stringify([productId, warehouseId]);
}
