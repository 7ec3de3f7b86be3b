import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";

/** Log offsets `[begin, end)` of one partition of an input. */
export interface InputRange {
  readonly topic: string;
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
}

/** Where the records of a platform come from that `millrace rescale` has filled, or fills. */
export interface SpreadSource {
  readonly partitions: number;
  /** Of every input partition of the old platform, the offsets that its bronze has. */
  readonly ranges: readonly InputRange[];
}

const FOLDER = "rescale";
const BEGUN = `${FOLDER}/begun.json`;
const DONE = `${FOLDER}/done.json`;

/**
 * Notes in the object store of a platform that is filled: `begun` stands there before its log has a record,
 * `done` when the log has all. A crash in between leaves `begun` alone: the same rescale goes on, and
 * nothing else opens the platform.
 */
export class SpreadNotes {
  /** Where they stand among the objects. */
  static readonly FOLDER = FOLDER;
  private readonly objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.objects = objects;
  }

  begun(): Promise<SpreadSource | null> {
    return this.read<SpreadSource>(BEGUN);
  }

  begin(source: SpreadSource): Promise<void> {
    return this.objects.put(BEGUN, encode(source), { ifAbsent: true });
  }

  /** Records that the log was given, where it has all. */
  async records(): Promise<number | null> {
    return (await this.read<{ records: number }>(DONE))?.records ?? null;
  }

  end(records: number): Promise<void> {
    return this.objects.put(DONE, encode({ records }));
  }

  /** Throws `rescale-unfinished` where the log has a part of its history: what ran on it would be wrong for ever. */
  async assertWhole(): Promise<void> {
    const [begun, done] = await Promise.all([this.objects.head(BEGUN), this.objects.head(DONE)]);
    if (begun === null || done !== null) return;
    throw new MillraceError(
      `this platform has a part of the history that millrace rescale began to give it (${BEGUN} stands in its object store, and no ${DONE}): run the same rescale again to its end, or delete this platform's log and objects and begin anew`,
      { code: "rescale-unfinished", origin: "user" },
    );
  }

  private async read<T>(key: string): Promise<T | null> {
    if ((await this.objects.head(key)) === null) return null;
    return JSON.parse(Buffer.from(await this.objects.get(key)).toString()) as T;
  }
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
