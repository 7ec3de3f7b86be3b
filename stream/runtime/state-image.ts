import {
  type KeyDictionary,
  PAGE_ELEMENTS,
  PAGE_SHIFT,
  type SlotArray,
  type StateSection,
} from "../../schema/index.ts";

/**
 * Serialises the state of a task, in full or what changed since the last image, as parts that are
 * applied one after another. Pages are copied ahead of the cut, some a turn; those that are written
 * to afterwards are copied once more, into a later part.
 *
 * Layout of a part: u32 length of a JSON header, the header, for each span of elements its first one and
 * their number as u32, then the bytes of the spans, the dictionaries and the blobs, back to back in the
 * order of the header. Integers are little-endian, as typed arrays are here.
 */
export interface PartHeader {
  /** Whose elements the spans are: the next so many of them each. */
  readonly arrays: readonly { readonly section: string; readonly name: string; readonly spans: number }[];
  /** In an image's last part: everything that is not elements. */
  readonly sections: readonly SectionHeader[];
}

export interface SectionHeader {
  readonly name: string;
  readonly lengths: readonly { readonly name: string; readonly length: number }[];
  readonly dictionaries: readonly {
    readonly name: string;
    readonly fromSize: number;
    readonly fromHeap: number;
    readonly size: number;
    readonly heap: number;
  }[];
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
    this.arrays = sections.flatMap(({ name, arrays }) => arrays.map((array) => ({ section: name, array })));
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
    const spans: number[] = [];
    const pieces: Uint8Array[] = [];
    let room = PART_BYTES;
    for (; this.at.array < this.arrays.length; this.at = { array: this.at.array + 1, page: 0 }) {
      const { section, array } = this.arrays[this.at.array];
      const spansBefore = spans.length;
      const pageBytes = PAGE_ELEMENTS * array.values.BYTES_PER_ELEMENT;
      for (let page = this.at.page; room > 0; ) {
        const span = nextSpan(array, page, Math.ceil(room / pageBytes));
        if (span === null) break;
        const from = span.page << PAGE_SHIFT;
        const to = Math.min((span.page + span.pages) << PAGE_SHIFT, array.length);
        spans.push(from, to - from);
        pieces.push(bytesOf(array.values.subarray(from, to)));
        array.dirty.fill(0, span.page, span.page + span.pages);
        page = span.page + span.pages;
        room -= span.pages * pageBytes;
        this.at.page = page;
      }
      if (spans.length > spansBefore)
        header.push({ section, name: array.name, spans: (spans.length - spansBefore) / 2 });
      if (room <= 0) break;
    }
    return pieces.length === 0 ? null : joinPart({ arrays: header, sections: [] }, spans, pieces);
  }

  private lastPart(): Uint8Array {
    const pieces: Uint8Array[] = [];
    const sections = this.sections.map((section): SectionHeader => {
      const lengths = section.arrays.map(({ name, length }) => ({ name, length }));
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
      return { name: section.name, lengths, dictionaries, blob: blob?.length ?? -1 };
    });
    return joinPart({ arrays: [], sections }, [], pieces);
  }
}

/** The next marked pages from the given one on, at most so many; none behind the array's length. */
function nextSpan(
  array: SlotArray,
  from: number,
  pagesMax: number,
): { readonly page: number; readonly pages: number } | null {
  const end = Math.ceil(array.length / PAGE_ELEMENTS);
  const { dirty } = array;
  const page = dirty.indexOf(1, from);
  if (page < 0 || page >= end) return null;
  let next = page + 1;
  while (next < end && next - page < pagesMax && dirty[next] === 1) next++;
  return { page, pages: next - page };
}

function joinPart(header: PartHeader, spans: readonly number[], pieces: readonly Uint8Array[]): Uint8Array {
  const headerBytes = new TextEncoder().encode(JSON.stringify(header));
  const spanBytes = bytesOf(Int32Array.from(spans));
  const size = pieces.reduce((sum, piece) => sum + piece.length, 4 + headerBytes.length + spanBytes.length);
  // Not zeroed, as all of it is written; memory of its own, which is given back when it is packed.
  const part = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  new DataView(part.buffer).setUint32(0, headerBytes.length, true);
  let at = 4;
  for (const piece of [headerBytes, spanBytes, ...pieces]) {
    part.set(piece, at);
    at += piece.length;
  }
  return part;
}

export function bytesOf(values: Float64Array | Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
