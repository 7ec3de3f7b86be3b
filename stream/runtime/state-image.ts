import {
  type KeyDictionary,
  MillraceError,
  PAGE_ELEMENTS,
  type SlotArray,
  type StateSection,
} from "../../schema/index.ts";

/**
 * Serialises the state of a task as a full image or as the pages that changed since the last one.
 *
 * Layout: u32 length of a JSON header, the header, then the bytes that the header
 * describes, back to back in its order. Integers are little-endian, as typed arrays are here.
 */
interface ImageHeader {
  readonly kind: "full" | "delta";
  readonly sections: readonly SectionHeader[];
}

interface SectionHeader {
  readonly name: string;
  readonly arrays: readonly {
    readonly name: string;
    readonly length: number;
    readonly pages: readonly number[];
  }[];
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

const EMPTY = new Uint8Array(0);

/** Captures images of a fixed set of sections; remembers what the last capture held. */
export class StateImageWriter {
  private readonly sections: readonly StateSection[];
  private readonly savedDictionaries = new Map<KeyDictionary, { size: number; heap: number }>();

  constructor(sections: readonly StateSection[]) {
    this.sections = sections;
    const names = new Set(sections.map((section) => section.name));
    if (names.size !== sections.length) throw new Error("two state sections of one task have the same name");
  }

  /** A copy of the state. Marks everything as saved: an image that is then lost is a failed task. */
  capture(kind: "full" | "delta"): Uint8Array {
    const parts: Uint8Array[] = [];
    const sections = this.sections.map((section) => this.captureSection(section, kind, parts));
    const header: ImageHeader = { kind, sections };
    const headerBytes = new TextEncoder().encode(JSON.stringify(header));
    const total = parts.reduce((sum, part) => sum + part.length, 4 + headerBytes.length);
    const image = new Uint8Array(total);
    new DataView(image.buffer).setUint32(0, headerBytes.length, true);
    image.set(headerBytes, 4);
    let at = 4 + headerBytes.length;
    for (const part of parts) {
      image.set(part, at);
      at += part.length;
    }
    return image;
  }

  private captureSection(section: StateSection, kind: "full" | "delta", parts: Uint8Array[]): SectionHeader {
    const arrays = section.arrays.map((array) => {
      const pages = kind === "full" ? allPages(array) : dirtyPages(array);
      for (const page of pages) parts.push(pageBytes(array, page));
      array.dirty.fill(0);
      return { name: array.name, length: array.length, pages };
    });
    const dictionaries = section.dictionaries.map((dictionary) => {
      const from =
        kind === "full"
          ? { size: 0, heap: 0 }
          : (this.savedDictionaries.get(dictionary) ?? { size: 0, heap: 0 });
      parts.push(bytesOf(dictionary.ends.subarray(from.size, dictionary.size)));
      parts.push(dictionary.heap.subarray(from.heap, dictionary.heapBytes));
      const saved = {
        fromSize: from.size,
        fromHeap: from.heap,
        size: dictionary.size,
        heap: dictionary.heapBytes,
      };
      this.noteSaved(dictionary);
      return { name: dictionary.name, ...saved };
    });
    const blob = section.blob === null ? null : section.blob.save();
    if (blob !== null) parts.push(blob);
    return { name: section.name, arrays, dictionaries, blob: blob === null ? -1 : blob.length };
  }

  private noteSaved(dictionary: KeyDictionary): void {
    this.savedDictionaries.set(dictionary, { size: dictionary.size, heap: dictionary.heapBytes });
  }
}

/** Puts a chain of images (one full, then its deltas in order) into freshly created sections. */
export function restoreStateImages(sections: readonly StateSection[], images: readonly Uint8Array[]): void {
  const dictionaries = new Map<KeyDictionary, { ends: Int32Array; heap: Uint8Array }>();
  for (const image of images) applyImage(sections, image, dictionaries);
  for (const [dictionary, { ends, heap }] of dictionaries) dictionary.restore(ends, heap);
  for (const section of sections) for (const array of section.arrays) array.dirty.fill(0);
}

function applyImage(
  sections: readonly StateSection[],
  image: Uint8Array,
  dictionaries: Map<KeyDictionary, { ends: Int32Array; heap: Uint8Array }>,
): void {
  const headerLength = new DataView(image.buffer, image.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(image.subarray(4, 4 + headerLength))) as ImageHeader;
  let at = 4 + headerLength;
  const take = (bytes: number): Uint8Array => {
    at += bytes;
    return image.subarray(at - bytes, at);
  };
  for (const saved of header.sections) {
    const section = sections.find((candidate) => candidate.name === saved.name);
    if (section === undefined) throw stateMismatch(`the section ${saved.name}`);
    for (const { name, length, pages } of saved.arrays) {
      const array = section.arrays.find((candidate) => candidate.name === name);
      if (array === undefined) throw stateMismatch(`the array ${saved.name}.${name}`);
      array.ensure(length);
      array.length = length;
      for (const page of pages) {
        const target = pageBytes(array, page);
        target.set(take(target.length));
      }
    }
    for (const { name, fromSize, fromHeap, size, heap } of saved.dictionaries) {
      const dictionary = section.dictionaries.find((candidate) => candidate.name === name);
      if (dictionary === undefined) throw stateMismatch(`the dictionary ${saved.name}.${name}`);
      const before = dictionaries.get(dictionary) ?? { ends: new Int32Array(0), heap: EMPTY };
      const ends = new Int32Array(size);
      ends.set(before.ends.subarray(0, fromSize));
      bytesOf(ends.subarray(fromSize)).set(take((size - fromSize) * 4));
      const heapBytes = new Uint8Array(heap);
      heapBytes.set(before.heap.subarray(0, fromHeap));
      heapBytes.set(take(heap - fromHeap), fromHeap);
      dictionaries.set(dictionary, { ends, heap: heapBytes });
    }
    if (saved.blob >= 0) {
      const bytes = take(saved.blob);
      if (section.blob === null) throw stateMismatch(`the blob of ${saved.name}`);
      section.blob.restore(bytes.slice());
    }
  }
}

function stateMismatch(what: string): MillraceError {
  return new MillraceError(
    `the checkpoint holds ${what}, which this version does not keep; run the version that wrote it, or replay into a fresh home folder`,
    { code: "state-mismatch", origin: "user" },
  );
}

function allPages(array: SlotArray): number[] {
  return Array.from({ length: Math.ceil(array.length / PAGE_ELEMENTS) }, (_, page) => page);
}

function dirtyPages(array: SlotArray): number[] {
  return allPages(array).filter((page) => array.dirty[page] === 1);
}

/** The bytes of a page, cut at the array's length. */
function pageBytes(array: SlotArray, page: number): Uint8Array {
  const from = page * PAGE_ELEMENTS;
  return bytesOf(array.values.subarray(from, Math.min(from + PAGE_ELEMENTS, array.length)));
}

function bytesOf(values: Float64Array | Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
