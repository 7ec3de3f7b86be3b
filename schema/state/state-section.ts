import { type KeyDictionary, utf8Decoder } from "../columns/index.ts";
import { SlotArray } from "./slot-array.ts";

/** State that does not fit slots (rare and small): saved whole with each checkpoint. */
export interface StateBlob {
  save(): Uint8Array;
  restore(bytes: Uint8Array): void;
}

/**
 * What one operator or feature group keeps between batches, and so what a checkpoint of it holds:
 * slot arrays, key dictionaries and at most one blob, each under a name that is unique in here.
 */
export class StateSection {
  readonly name: string;
  readonly arrays: SlotArray[] = [];
  readonly dictionaries: KeyDictionary[] = [];
  /** By name, what is kept is measured in: state that was made with other values cannot be gone on with. */
  readonly measures = new Map<string, number>();
  blob: StateBlob | null = null;

  constructor(name: string) {
    this.name = name;
  }

  float64(name: string, fill = 0): SlotArray<Float64Array> {
    return this.addArray(SlotArray.float64(name, fill));
  }

  int32(name: string, fill = 0): SlotArray<Int32Array> {
    return this.addArray(SlotArray.int32(name, fill));
  }

  uint8(name: string, fill = 0): SlotArray<Uint8Array> {
    return this.addArray(SlotArray.uint8(name, fill));
  }

  dictionary(dictionary: KeyDictionary): KeyDictionary {
    this.dictionaries.push(dictionary);
    return dictionary;
  }

  /** Declares a number of the settings that gives what is kept its meaning, as the length of windows. */
  measure(name: string, value: number): void {
    this.measures.set(name, value);
  }

  private addArray<A extends SlotArray>(array: A): A {
    if (this.arrays.some((other) => other.name === array.name)) {
      throw new Error(`state ${this.name} declares ${array.name} twice`);
    }
    this.arrays.push(array);
    return array;
  }
}

/** State of one JSON-serialisable value, as a {@link StateBlob}. */
export function jsonBlob<T>(read: () => T, write: (value: T) => void): StateBlob {
  return {
    save: () => new TextEncoder().encode(JSON.stringify(read())),
    restore: (bytes) => write(JSON.parse(utf8Decoder.decode(bytes)) as T),
  };
}
