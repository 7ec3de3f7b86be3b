import type { KeyDictionary, SlotArray, SlotKind, StateSection } from "../../schema/index.ts";
import { bytesOf, gatherSpans, takeSpans } from "./state-spans.ts";

/**
 * Serialises the state of a task, in full or what changed since the last image, as parts that are
 * applied one after another. Pages are copied ahead of the cut, some a turn; those that are written
 * to afterwards are copied once more, into a later part.
 *
 * Layout of a part: u32 length of a JSON header, the header, for each span of elements its first one and
 * their number as u32, then the bytes of the spans, the dictionaries and the blobs, back to back in the
 * order of the header. Integers are little-endian, as typed arrays are here. Spaces behind the header let elements lie
 * at a word's bounds.
 */
export interface PartHeader {
  /** Whose elements the spans are: the next so many of them each. */
  readonly arrays: readonly { readonly section: string; readonly name: string; readonly spans: number }[];
  /** In an image's last part: everything that is not elements. */
  readonly sections: readonly SectionHeader[];
}

export interface SectionHeader {
  readonly name: string;
  /** Of all arrays of the section; early versions did not tell the kind. */
  readonly lengths: readonly { readonly name: string; readonly length: number; readonly kind?: SlotKind }[];
  readonly dictionaries: readonly {
    readonly name: string;
    readonly fromSize: number;
    readonly fromHeap: number;
    readonly size: number;
    readonly heap: number;
  }[];
  /** Of the section; early versions did not tell. */
  readonly measures?: Readonly<Record<string, number>>;
  /** Bytes of the blob, or -1 where the section has none. */
  readonly blob: number;
}

/** Bytes of elements in a part: their copy is a pause of half a millisecond. */
const PART_BYTES = 1 << 20;

/** Captures images of a fixed set of sections; remembers what the last one held. */
export class StateImageWriter {
  private readonly sections: readonly StateSection[];
  private readonly arrays: readonly { readonly section: string; readonly array: SlotArray }[];
  private readonly savedDictionaries = new Map<KeyDictionary, { size: number; heap: number }>();
  /** Where the pass ahead of the cut goes on. */
  private at = { array: 0, page: 0 };

  constructor(sections: readonly StateSection[]) {
    this.sections = sections;
    // Bytes behind all words, which so lie at their bounds in each part.
    this.arrays = sections
      .flatMap(({ name, arrays }) => arrays.map((array) => ({ section: name, array })))
      .sort((a, b) => b.array.values.BYTES_PER_ELEMENT - a.array.values.BYTES_PER_ELEMENT);
    const names = new Set(sections.map((section) => section.name));
    if (names.size !== sections.length) throw new Error("two state sections of one task have the same name");
  }

  /** To be called when a chain of images was restored: the next image may be a delta that goes on with it. */
  goOn(): void {
    for (const { dictionaries } of this.sections) {
      for (const dictionary of dictionaries) {
        const { size, heapBytes: heap } = dictionary;
        this.savedDictionaries.set(dictionary, { size, heap });
      }
    }
  }

  /** Begins an image; what it copies counts as saved: an image that is then lost is a failed task. */
  begin(kind: "full" | "delta"): void {
    this.at = { array: 0, page: 0 };
    if (kind === "delta") return;
    for (const { array } of this.arrays) array.markLive();
    this.savedDictionaries.clear();
  }

  /** The next part of the one pass over all pages before the cut, or null behind its end. */
  copyAhead(): Uint8Array | null {
    return this.copyPages();
  }

  /** The cut: the parts that are left of the image, the last of which completes it. */
  finish(): Uint8Array[] {
    this.at = { array: 0, page: 0 };
    const parts: Uint8Array[] = [];
    for (let part = this.copyPages(); part !== null; part = this.copyPages()) parts.push(part);
    parts.push(this.lastPart());
    return parts;
  }

  /** A whole image at once. */
  capture(kind: "full" | "delta"): Uint8Array[] {
    this.begin(kind);
    return this.finish();
  }

  /** Copies marked pages from where the pass stands, and takes their marks away. */
  private copyPages(): Uint8Array | null {
    const header: PartHeader["arrays"][number][] = [];
    const copied: { readonly array: SlotArray; readonly spans: Int32Array }[] = [];
    let room = PART_BYTES;
    while (this.at.array < this.arrays.length && room > 0) {
      const { section, array } = this.arrays[this.at.array];
      const taken: number[] = [];
      const page = takeSpans(array, this.at.page, room, taken);
      const spans = Int32Array.from(taken);
      if (spans.length > 0) {
        header.push({ section, name: array.name, spans: spans.length / 2 });
        copied.push({ array, spans });
        room -= bytesOfSpans(array, spans);
      }
      this.at = room > 0 ? { array: this.at.array + 1, page: 0 } : { array: this.at.array, page };
    }
    if (copied.length === 0) return null;
    const spanBytes = copied.map(({ spans }) => bytesOf(spans));
    const part = beginPart({ arrays: header, sections: [] }, spanBytes, PART_BYTES - room);
    let { at } = part;
    for (const { array, spans } of copied) at = gatherSpans(array, spans, { part: part.bytes, at });
    return part.bytes;
  }

  private lastPart(): Uint8Array {
    const pieces: Uint8Array[] = [];
    const sections = this.sections.map((section): SectionHeader => {
      const lengths = section.arrays.map(({ name, kind, length }) => ({ name, kind, length }));
      const dictionaries = section.dictionaries.map((dictionary) => {
        const from = this.savedDictionaries.get(dictionary) ?? { size: 0, heap: 0 };
        const { name, size, heapBytes: heap } = dictionary;
        pieces.push(bytesOf(dictionary.ends.subarray(from.size, size)));
        pieces.push(dictionary.heap.subarray(from.heap, heap));
        this.savedDictionaries.set(dictionary, { size, heap });
        return { name, fromSize: from.size, fromHeap: from.heap, size, heap };
      });
      const blob = section.blob?.save() ?? null;
      if (blob !== null) pieces.push(blob);
      const measures = Object.fromEntries(section.measures);
      return { name: section.name, lengths, dictionaries, measures, blob: blob?.length ?? -1 };
    });
    return beginPart({ arrays: [], sections }, pieces, 0).bytes;
  }
}

function bytesOfSpans({ values }: SlotArray, spans: Int32Array): number {
  let elements = 0;
  for (let i = 1; i < spans.length; i += 2) elements += spans[i];
  return elements * values.BYTES_PER_ELEMENT;
}

/** A part with these pieces behind its header, and room for so many more bytes behind them, from `at` on. */
function beginPart(
  header: PartHeader,
  pieces: readonly Uint8Array[],
  room: number,
): { readonly bytes: Uint8Array; readonly at: number } {
  const json = JSON.stringify(header);
  const headerBytes = new TextEncoder().encode(json + " ".repeat(-(4 + Buffer.byteLength(json)) & 7));
  const size = pieces.reduce((sum, piece) => sum + piece.length, 4 + headerBytes.length + room);
  // Not zeroed, as all of it is written; memory of its own, which is given back when it is packed.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  new DataView(bytes.buffer).setUint32(0, headerBytes.length, true);
  let at = 4;
  for (const piece of [headerBytes, ...pieces]) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes, at };
}
