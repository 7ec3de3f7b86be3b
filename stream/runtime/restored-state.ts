import type { StateSection } from "../../schema/index.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint-store.ts";
import { StateImageReader } from "./state-image-reader.ts";

const noRest = (): Promise<void> => Promise.resolve();

/**
 * State of a task out of the images of its checkpoints: of one, or brought from one to a later one, of which only
 * what is new is read.
 */
export class RestoredState {
  /** Unpacked bytes of the images. */
  bytes = { full: 0, deltas: 0 };
  private readonly reader: StateImageReader;
  /** The chain that the sections hold; none where it is not known what they hold. */
  private chain: readonly string[] = [];

  constructor(sections: readonly StateSection[]) {
    this.reader = new StateImageReader(sections);
  }

  /**
   * Puts the images of a checkpoint into the sections; `rest` is waited for behind each part. Where it rejects, such
   * as with code `object-not-found` for an image that was collected meanwhile, the next call begins with the full image.
   */
  async bringTo(
    checkpoints: Pick<CheckpointStore, "images">,
    { stateImages }: Pick<Checkpoint, "stateImages">,
    rest: () => Promise<void> = noRest,
  ): Promise<void> {
    const goesOn = this.chain.every((key, i) => key === stateImages[i]);
    const known = goesOn ? this.chain.length : 0;
    if (known === stateImages.length) return;
    this.chain = [];
    if (known === 0) this.bytes = { full: 0, deltas: 0 };
    const { last, parts } = await checkpoints.images({ stateImages: stateImages.slice(known) });
    if (last !== null) this.reader.begin(last);
    for await (const { image, bytes } of parts) {
      this.reader.apply(bytes);
      this.bytes[known + image === 0 ? "full" : "deltas"] += bytes.length;
      await rest();
    }
    this.chain = stateImages;
  }

  /** To be called once, before the state is worked with. */
  finish(): void {
    this.reader.finish();
  }
}
