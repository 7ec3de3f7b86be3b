import {
  type KeyDictionary,
  MillraceError,
  type SlotArray,
  type StateBlob,
  type StateSection,
  utf8Decoder,
} from "../../schema/index.ts";
import type { PartHeader, SectionHeader } from "./state-image.ts";
import { bytesOf, scatterSpans } from "./state-spans.ts";

/** A part, and where its bytes behind the header are. */
interface OpenPart {
  readonly bytes: Uint8Array;
  readonly header: PartHeader;
  readonly spansAt: number;
}

/**
 * Puts the parts of images into sections: those of a chain (one full, then its deltas) into any, further deltas into
 * those that hold the images before them.
 */
export class StateImageReader {
  private readonly sections: readonly StateSection[];
  private readonly dictionaries = new Set<KeyDictionary>();
  /** The newest of each section: what an image before it holds is not worth parsing. */
  private readonly blobs = new Map<StateBlob, Uint8Array>();

  constructor(sections: readonly StateSection[]) {
    this.sections = sections;
  }

  /** The last part, also to be applied in its turn, tells how large everything has become: all memory is taken once. */
  begin(last: Uint8Array): void {
    for (const saved of openPart(last).header.sections) {
      const section = sectionOf(this.sections, saved.name);
      requireMeasures(section, saved);
      requireAll(section, saved);
      for (const { name, length, kind } of saved.lengths) {
        const array = arrayOf(section, name);
        if (kind !== undefined && kind !== array.kind)
          throw stateMismatch(`the array ${saved.name}.${name} as ${kind}`);
        array.reserve(length);
      }
      for (const { name, size, heap } of saved.dictionaries) {
        const dictionary = dictionaryOf(section, name);
        dictionary.beginRestore(size, heap);
        this.dictionaries.add(dictionary);
      }
    }
  }

  /** Applies the next part, in the order in which they were written; keeps nothing of it. */
  apply(bytes: Uint8Array): void {
    const part = openPart(bytes);
    let at = this.applyElements(part);
    for (const saved of part.header.sections) at = this.applySection(part, saved, at);
  }

  /** To be called once, behind the last part of the newest image. */
  finish(): void {
    for (const dictionary of this.dictionaries) dictionary.finishRestore();
    for (const [blob, bytes] of this.blobs) blob.restore(bytes);
    this.blobs.clear();
    for (const { arrays } of this.sections) for (const array of arrays) array.dirty.fill(0);
  }

  /** Returns where the bytes of the elements end. */
  private applyElements({ bytes, header, spansAt }: OpenPart): number {
    let spans = spansAt;
    let at = header.arrays.reduce((end, array) => end + 8 * array.spans, spansAt);
    for (const { section, name, spans: count } of header.arrays) {
      const array = arrayOf(sectionOf(this.sections, section), name);
      // A copy, which lies at a word's bounds.
      const own = new Int32Array(new Uint8Array(bytes.subarray(spans, spans + 8 * count)).buffer);
      // Only an array that was shorter at the last cut than before it has no room for them yet.
      array.ensure(own[own.length - 2] + own[own.length - 1]);
      at = scatterSpans(array, own, { part: bytes, at });
      spans += 8 * count;
    }
    return at;
  }

  private applySection({ bytes }: OpenPart, saved: SectionHeader, from: number): number {
    let at = from;
    const take = (length: number): Uint8Array => {
      at += length;
      return bytes.subarray(at - length, at);
    };
    const section = sectionOf(this.sections, saved.name);
    for (const { name, length } of saved.lengths) {
      const array = arrayOf(section, name);
      array.ensure(length);
      array.length = length;
    }
    for (const { name, fromSize, fromHeap, size, heap } of saved.dictionaries) {
      const { ends, heap: keys } = dictionaryOf(section, name);
      bytesOf(ends).set(take((size - fromSize) * 4), fromSize * 4);
      keys.set(take(heap - fromHeap), fromHeap);
    }
    if (saved.blob >= 0) {
      if (section.blob === null) throw stateMismatch(`the blob of ${saved.name}`);
      // Not slice(): of a Buffer, that is a view.
      this.blobs.set(section.blob, new Uint8Array(take(saved.blob)));
    }
    return at;
  }
}

function openPart(bytes: Uint8Array): OpenPart {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
  const header = JSON.parse(utf8Decoder.decode(bytes.subarray(4, 4 + length))) as PartHeader;
  return { bytes, header, spansAt: 4 + length };
}

function sectionOf(sections: readonly StateSection[], name: string): StateSection {
  const section = sections.find((candidate) => candidate.name === name);
  if (section === undefined) throw stateMismatch(`the section ${name}`);
  return section;
}

function arrayOf({ name: section, arrays }: StateSection, name: string): SlotArray {
  const array = arrays.find((candidate) => candidate.name === name);
  if (array === undefined) throw stateMismatch(`the array ${section}.${name}`);
  return array;
}

function dictionaryOf({ name: section, dictionaries }: StateSection, name: string): KeyDictionary {
  const dictionary = dictionaries.find((candidate) => candidate.name === name);
  if (dictionary === undefined) throw stateMismatch(`the dictionary ${section}.${name}`);
  return dictionary;
}

function requireMeasures(section: StateSection, { measures = {} }: SectionHeader): void {
  for (const [name, value] of section.measures) {
    const saved = measures[name] ?? value;
    if (saved === value) continue;
    throw new MillraceError(
      `the checkpoint's state of ${section.name} was made with ${name} = ${saved}, and the settings give ${value} now: set them back, or replay into a fresh home folder`,
      { code: "state-of-other-settings", origin: "user" },
    );
  }
}

/**
 * A section is restored whole: its arrays are columns of the same slots. One that the checkpoint does not have at all begins
 * empty, as that of a new operator does.
 */
function requireAll(section: StateSection, saved: SectionHeader): void {
  const names = new Set([...saved.lengths, ...saved.dictionaries].map(({ name }) => name));
  for (const { name } of [...section.arrays, ...section.dictionaries])
    if (!names.has(name))
      throw stateMismatch(
        `the section ${section.name} without ${name}`,
        "which this version with these settings needs",
      );
}

function stateMismatch(
  what: string,
  why = "which this version with these settings does not keep",
): MillraceError {
  return new MillraceError(
    `the checkpoint holds ${what}, ${why}; run the version that wrote it, or replay into a fresh home folder`,
    { code: "state-mismatch", origin: "user" },
  );
}
