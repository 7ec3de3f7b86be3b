import { utf8Decoder } from "../../schema/index.ts";
/**
 * Pane blocks: what the first stage sends to the second. Little-endian:
 *
 * ```
 * u8 version = 3, u16 + bytes channel, u8 kind ({@link PaneBlockKind}), f64 sequence, f64 watermark,
 *   u16 + bytes source
 * ```
 * The channel says which part of the second stage it is for. Of the channel of products, from then on:
 * ```
 * u32 panes, pane…
 * pane:    f64 start, u32 products, product…, u32 changes, change…
 * product: u16 + bytes id, u32 views, u32 cart adds, u32 purchases
 * change:  u16 + bytes id of the product, u16 + bytes category, f64 event time from which on
 * ```
 * All counts are increments: a pane may come in several blocks.
 */
export const PANE_BLOCK_VERSION = 3;
/** Channel of the panes by product. */
export const PRODUCT_CHANNEL = "products";
export const PaneBlockKind = {
  data: 0,
  /** Nobody need wait for the source until its next block. */
  idle: 1,
  /** The source has nothing up to the block's watermark, as far as its task has come by other inputs. */
  behind: 2,
  /** What one entity adds, in place of what it added before; the sequence is of the entity. */
  replacement: 3,
} as const;

const utf8 = new TextEncoder();

export interface PaneBlockHeader {
  readonly channel: string;
  readonly kind: (typeof PaneBlockKind)[keyof typeof PaneBlockKind];
  /** Of its source and channel; rises by one. */
  readonly sequence: number;
  readonly watermarkMs: number;
  /** The task, or what of it has a watermark of its own. */
  readonly source: string;
}

/** The channel of a block, null where it is of another version or none. */
export function channelOf(bytes: Uint8Array, start: number, end: number): string | null {
  if (end - start < 3 || bytes[start] !== PANE_BLOCK_VERSION) return null;
  const channelStart = start + 3;
  const channelEnd = channelStart + (bytes[start + 1] | (bytes[start + 2] << 8));
  return channelEnd > end ? null : utf8Decoder.decode(bytes.subarray(channelStart, channelEnd));
}

/** A copy of the block `bytes[start, end)`, for a reader of later; a `slice` is none where the bytes are a Buffer. */
export function copyBlock(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

export class PaneBlockWriter {
  private bytes = new Uint8Array(1 << 16);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  begin(header: PaneBlockHeader): void {
    this.at = 0;
    this.u8(PANE_BLOCK_VERSION);
    const channel = utf8.encode(header.channel);
    this.text(channel, 0, channel.length);
    this.u8(header.kind);
    this.f64(header.sequence);
    this.f64(header.watermarkMs);
    const source = utf8.encode(header.source);
    this.text(source, 0, source.length);
  }

  /** A block of kind idle. */
  idleBlock(channel: string, source: string): Uint8Array {
    return this.marker({ channel, source, kind: PaneBlockKind.idle, watermarkMs: Number.NEGATIVE_INFINITY });
  }

  /** A block without content, which may be repeated or missed. */
  marker(header: Omit<PaneBlockHeader, "sequence">): Uint8Array {
    this.begin({ ...header, sequence: -1 });
    this.u32(0);
    return this.finish();
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

  /** Opens a block behind its channel: what comes next is the kind. */
  openBlock(bytes: Uint8Array, start: number): void {
    this.open(bytes, start + 1);
    this.text();
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
