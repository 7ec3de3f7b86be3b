import { joinPieces, type ObjectBytes, type ObjectInfo, type ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { Link, type Network } from "./link.ts";
import type { SimulatedProcess } from "./process.ts";
import { unavailable } from "./unavailable.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly modifiedAt: number;
}

/** Keys of one listing request, as S3 has it; fewer where the network gives parts. */
const PAGE_KEYS_MAX = 1000;
const PART_KEYS_MAX = 5;
const ROOT = "sim://world/";

/** The objects that survive every process. */
export class StoredObjects {
  readonly byKey = new Map<string, StoredObject>();

  put(key: string, bytes: Uint8Array, options: { readonly ifAbsent: boolean; readonly nowMs: number }): void {
    if (options.ifAbsent && this.byKey.has(key)) {
      throw new MillraceError(`the object "${key}" exists already`, {
        code: "precondition-failed",
        origin: "external",
      });
    }
    this.byKey.set(key, { bytes, modifiedAt: options.nowMs });
  }

  get(key: string): Uint8Array {
    const found = this.byKey.get(key);
    if (found !== undefined) return found.bytes;
    throw new MillraceError(`there is no object "${key}"`, { code: "object-not-found", origin: "external" });
  }

  head(key: string): ObjectInfo | null {
    const found = this.byKey.get(key);
    return found === undefined ? null : { key, bytes: found.bytes.length, modifiedAt: found.modifiedAt };
  }

  /** The next keys behind `after`, in order. */
  page(prefix: string, after: string, keysMax: number): ObjectInfo[] {
    const keys: string[] = [];
    for (const key of this.byKey.keys()) if (key > after && key.startsWith(prefix)) keys.push(key);
    const page = keys.sort().slice(0, keysMax);
    return page.map((key) => this.head(key) as ObjectInfo);
  }
}

/** One process's way to the objects: every request on a connection of its own. */
export class SimObjectStore implements ObjectStore {
  private readonly stored: StoredObjects;
  private readonly network: Network;
  private readonly link: Link;

  constructor(stored: StoredObjects, network: Network, process: SimulatedProcess) {
    this.stored = stored;
    this.network = network;
    this.link = new Link(network, process, "objects", "unordered");
  }

  put(key: string, bytes: ObjectBytes, options: { readonly ifAbsent?: boolean } = {}): Promise<void> {
    const sent = new Uint8Array(joinPieces(bytes));
    const ifAbsent = options.ifAbsent === true;
    return this.request(`${ifAbsent ? "create" : "put"} ${key}`, () =>
      this.stored.put(key, sent, { ifAbsent, nowMs: this.network.scheduler.nowMs }),
    );
  }

  get(key: string): Promise<Uint8Array> {
    return this.request(`get ${key}`, () => this.stored.get(key));
  }

  head(key: string): Promise<ObjectInfo | null> {
    return this.request(`head ${key}`, () => this.stored.head(key));
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const { scheduler, faults } = this.network;
    for (let after = ""; ; ) {
      const keysMax = scheduler.random.chance(faults.partShare)
        ? scheduler.random.between(1, PART_KEYS_MAX)
        : PAGE_KEYS_MAX;
      const from = after;
      const page = await this.request(`list ${prefix}`, () => this.stored.page(prefix, from, keysMax));
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < keysMax) return;
      after = last.key;
    }
  }

  delete(keys: readonly string[]): Promise<void> {
    const sent = [...keys];
    return this.request(`delete ${sent.join(" ")}`, () => {
      for (const key of sent) this.stored.byKey.delete(key);
    });
  }

  uri(key: string): string {
    return ROOT + key;
  }

  private request<T>(name: string, apply: () => T): Promise<T> {
    return this.link.request({ name, apply, lost: () => unavailable("object store", name) });
  }
}

/** Key of an address that {@link SimObjectStore.uri} gave. */
export function keyOfUri(uri: string): string {
  return uri.slice(ROOT.length);
}
