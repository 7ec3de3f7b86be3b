/**
 * Pane blocks: what the first stage sends to the second. Little-endian:
 *
 * ```
 * u8 version = 1, u8 kind (0 data, 1 idle), f64 sequence, f64 watermark, u16 + bytes source task, u32 panes
 * pane:    f64 start, u32 products, product…, u32 revenues, revenue…
 * product: u16 + bytes id, u32 views, u32 cart adds, u32 purchases
 * revenue: u16 + bytes key ({@link revenueKey}), f64 revenue in minor units, f64 units, u32 purchases
 * ```
 * All counts are increments: a pane may come in several blocks.
 */
export const PANE_BLOCK_VERSION = 1;
export const PaneBlockKind = { data: 0, idle: 1 } as const;

const utf8 = new TextEncoder();

export class PaneBlockWriter {
  private bytes = new Uint8Array(1 << 16);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  begin(kind: number, sourceTask: string, sequence: number, watermarkMs: number): void {
    this.at = 0;
    this.u8(PANE_BLOCK_VERSION);
    this.u8(kind);
    this.f64(sequence);
    this.f64(watermarkMs);
    const source = utf8.encode(sourceTask);
    this.text(source, 0, source.length);
  }

  u8(value: number): void {
    this.reserve(1);
    this.view.setUint8(this.at, value);
    this.at += 1;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** A text of at most 65,535 bytes. */
  text(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.reserve(length + 2);
    this.view.setUint16(this.at, length, true);
    this.at += 2;
    for (let i = 0; i < length; i++) this.bytes[this.at + i] = bytes[start + i];
    this.at += length;
  }

  /** A copy of the block. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  private reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + count));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Reads a block front to back; a text is left in place as [textStart, textEnd) of `bytes`. */
export class PaneBlockReader {
  bytes: Uint8Array = new Uint8Array(0);
  textStart = 0;
  textEnd = 0;
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  open(bytes: Uint8Array, start: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.at = start;
  }

  u8(): number {
    this.at += 1;
    return this.view.getUint8(this.at - 1);
  }

  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  f64(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  text(): void {
    this.textStart = this.at + 2;
    this.textEnd = this.textStart + this.view.getUint16(this.at, true);
    this.at = this.textEnd;
  }
}

/** Splits a revenue key: u16 length of the category, category, currency. */
export function splitRevenueKey(key: Uint8Array): { readonly categoryId: string; readonly currency: string } {
  const text = new TextDecoder();
  const end = 2 + (key[0] | (key[1] << 8));
  return { categoryId: text.decode(key.subarray(2, end)), currency: text.decode(key.subarray(end)) };
}

/** Writes a revenue key into `target` and returns its length. */
export function revenueKey(
  target: Uint8Array,
  category: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  currency: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
): number {
  const length = category.end - category.start;
  target[0] = length & 255;
  target[1] = length >>> 8;
  let at = 2;
  for (let i = category.start; i < category.end; i++) target[at++] = category.bytes[i];
  for (let i = currency.start; i < currency.end; i++) target[at++] = currency.bytes[i];
  return at;
}
