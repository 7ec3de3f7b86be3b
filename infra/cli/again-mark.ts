import type { ObjectStore } from "../../lakehouse/index.ts";
import { utf8Decoder } from "../../schema/index.ts";
import type { Platform } from "../platform/platform.ts";
import { replayName } from "./replay-record.ts";

/**
 * What tells a load of a file that was loaded before (`--again`) from the others: an object under `replays/` while
 * it is under way, so that the same command goes on with one that was cut off. Else a part of it would be there
 * once more.
 */
export class AgainMark {
  readonly #objects: ObjectStore;
  readonly #key: string;

  /** @param producerId of the file's first load */
  constructor(platform: Platform, producerId: string) {
    this.#objects = platform.adapters.objects;
    this.#key = `replays/again-${replayName(producerId)}`;
  }

  /** The mark of the load that was cut off, else this one. */
  async begin(mark: string): Promise<string> {
    if ((await this.#objects.head(this.#key)) !== null)
      return utf8Decoder.decode(await this.#objects.get(this.#key));
    await this.#objects.put(this.#key, new TextEncoder().encode(mark));
    return mark;
  }

  /** It is done: the next one is another. */
  async end(): Promise<void> {
    await this.#objects.delete([this.#key]);
  }
}
