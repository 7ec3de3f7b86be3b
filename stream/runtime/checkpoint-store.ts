import { isMissingObject, type ObjectStore, type StagedFile } from "../../lakehouse/index.ts";
import { freeBytes, MillraceError, utf8Decoder } from "../../schema/index.ts";
import { type ImageCodec, poolCodec } from "./image-codec.ts";
import type { TaskStatus } from "./status.ts";

/** Everything that a task needs to go on after its epoch, as one object. */
export interface Checkpoint {
  readonly taskId: string;
  readonly epoch: number;
  /** Next offset to read, by input. */
  readonly inputs: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[];
  /** By topic of the inputs, which one it was; none where the log's topics cannot be made again. */
  readonly topicIds?: Readonly<Record<string, string>>;
  /** Records that the log no longer had when they were due, ever. */
  readonly lostRecords?: number;
  /** Data files staged since the last epoch: published with this one. */
  readonly files: readonly StagedFile[];
  /** Keys of the state images to apply in order: one full image, then deltas. */
  readonly stateImages: readonly string[];
  /**
   * By table, the newest epoch before this one that has files of the task for it: a table that lacks that is older than
   * the checkpoint. Checkpoints of early versions do not tell.
   */
  readonly published?: Readonly<Record<string, number>>;
  readonly createdAt: number;
  /** Event-time progress at this epoch: for who watches from another process. */
  readonly watermarkMs: number | null;
  /** Counted since the task began: state keeps them. */
  readonly events: TaskStatus["events"];
  /** What scored in this epoch, and how well: for who watches from another process. */
  readonly models?: TaskStatus["models"];
}

/** Of checkpoints that this version writes; it reads all up to this one. To be raised where an earlier version would misread one. */
const FORMAT = 1;
const CHECKPOINTS = "checkpoints/";
const EPOCH_DIGITS = 12;
/** Parts of a task that are unpacked ahead of their turn: as many as the pool has threads. */
const UNPACKED_AHEAD = 4;

/** The images of a checkpoint. */
export interface StateImages {
  /** The last of the parts: it tells how large everything has become; null where there is none. It ends with its turn. */
  readonly last: Uint8Array | null;
  /** All parts in the order in which they are applied; to be read once. A part ends with the call for the next one. */
  readonly parts: AsyncIterable<ImagePart>;
}

export interface ImagePart {
  /** Which image of the chain it is of: 0 is the full one. */
  readonly image: number;
  readonly bytes: Uint8Array;
}

/**
 * Checkpoints of tasks in the object store:
 * `checkpoints/TASK/EPOCH.json` (the commit point) and `checkpoints/TASK/state/EPOCH-NONCE.image`.
 */
export class CheckpointStore {
  private readonly objects: ObjectStore;
  private readonly nonce: string;
  private readonly codec: ImageCodec;

  /** @param nonce differs between incarnations of a task, so that a zombie never overwrites an image */
  constructor(objects: ObjectStore, nonce: string, codec: ImageCodec = poolCodec) {
    this.objects = objects;
    this.nonce = nonce;
    this.codec = codec;
  }

  /**
   * Uploads the parts of a state image, each packed by itself behind its packed length as u32, and takes
   * their memory; `rest` is waited for behind each. A crash leaves an unreferenced object, which
   * {@link collect} removes.
   */
  async stageImage(
    taskId: string,
    epoch: number,
    parts: readonly Uint8Array[],
    rest: () => Promise<void> = () => Promise.resolve(),
  ): Promise<string> {
    const key = `${imagePrefix(taskId)}${epochText(epoch)}-${this.nonce}.image`;
    const packed: Uint8Array[] = [];
    // One after another: records are processed meanwhile, and need the cores.
    for (const part of parts) {
      packed.push(await this.codec.compress(part));
      freeBytes(part);
      await rest();
    }
    await this.objects.put(key, framed(packed));
    for (const part of packed) freeBytes(part);
    return key;
  }

  /**
   * THE COMMIT POINT of an epoch: creating this object makes its input offsets, state and files the
   * truth. Before it, a crash loses only work that is done again; after it, recovery finishes the
   * publishing. Rejects with code `task-fenced` where another owner has gone on: the epoch exists, or
   * a later one does. The latter is looked for behind the write: an epoch that the other owner has
   * collected already is free again, but what made it garbage is there by then. A zombie that dies
   * between the two leaves an object that no recovery reads and the next collection deletes.
   */
  async prepare(checkpoint: Checkpoint): Promise<void> {
    const key = checkpointKey(checkpoint.taskId, checkpoint.epoch);
    const bytes = encodeCheckpoint(checkpoint);
    try {
      await this.objects.put(key, bytes, { ifAbsent: true });
    } catch (error) {
      if (error instanceof MillraceError && error.code === "precondition-failed")
        throw fenced(checkpoint, error);
      throw error;
    }
    if ((await this.newestKey(checkpoint.taskId)) !== key) throw fenced(checkpoint);
  }

  /** Rejects with code `task-fenced` where a later epoch than this one was prepared. */
  async requireNewest(taskId: string, epoch: number): Promise<void> {
    const newest = await this.newestKey(taskId);
    if (newest !== null && newest > checkpointKey(taskId, epoch)) throw fenced({ taskId, epoch });
  }

  /** The newest prepared checkpoint, or null for a fresh task. Rejects with `checkpoint-newer`. */
  async newest(taskId: string): Promise<Checkpoint | null> {
    const key = await this.newestKey(taskId);
    if (key === null) return null;
    try {
      return decodeCheckpoint(key, await this.objects.get(key));
    } catch (error) {
      // Between the listing and the read its owner may have collected it: a newer one is there then.
      if (isMissingObject(error) && (await this.newestKey(taskId)) !== key) return this.newest(taskId);
      throw error;
    }
  }

  /**
   * The newest prepared checkpoint of every task that ever ran: of the files that are prepared and not yet
   * published, nothing else tells. A task publishes one before it prepares the next.
   */
  async newestOfAll(): Promise<Checkpoint[]> {
    const taskIds = new Set<string>();
    for await (const { key } of this.objects.list(CHECKPOINTS))
      if (key.endsWith(".json")) taskIds.add(key.slice(CHECKPOINTS.length, key.lastIndexOf("/")));
    const newest = await Promise.all([...taskIds].map((taskId) => this.newest(taskId)));
    return newest.filter((checkpoint) => checkpoint !== null);
  }

  /** Whether any task ever ran. */
  async hasAny(): Promise<boolean> {
    for await (const _ of this.objects.list(CHECKPOINTS)) return true;
    return false;
  }

  /** Fetches the images of a checkpoint, all at once, and unpacks them while they are read. */
  async images({ stateImages }: Pick<Checkpoint, "stateImages">): Promise<StateImages> {
    const fetched = stateImages.map(async (key) => unframed(key, await this.objects.get(key)));
    // A failure is told where its image is waited for, which may be later.
    for (const image of fetched) image.catch(() => undefined);
    const packed = (await fetched.at(-1))?.at(-1);
    const last = packed === undefined ? null : await this.codec.decompress(packed);
    const unpack = async (part: Uint8Array) => (part === packed ? last : null) ?? this.codec.decompress(part);
    return { last, parts: this.unpacked(fetched, unpack) };
  }

  /** Drops each image behind its parts. */
  private async *unpacked(
    fetched: Promise<readonly Uint8Array[]>[],
    unpack: (part: Uint8Array) => Promise<Uint8Array>,
  ): AsyncGenerator<ImagePart> {
    const ahead: Promise<ImagePart>[] = [];
    for (let image = 0; fetched.length > 0; image++) {
      for (const part of (await fetched.shift()) ?? []) {
        const unpacking = unpack(part).then((bytes) => ({ image, bytes }));
        unpacking.catch(() => undefined);
        ahead.push(unpacking);
        if (ahead.length > UNPACKED_AHEAD) yield* this.lent(ahead.splice(0, 1));
      }
    }
    yield* this.lent(ahead);
  }

  private async *lent(unpacking: readonly Promise<ImagePart>[]): AsyncGenerator<ImagePart> {
    for (const unpacked of unpacking) {
      const part = await unpacked;
      yield part;
      this.codec.release(part.bytes);
    }
  }

  /** Deletes what recovery from this checkpoint does not need. A crash in here leaves garbage only. */
  async collect(checkpoint: Checkpoint): Promise<void> {
    const current = checkpointKey(checkpoint.taskId, checkpoint.epoch);
    const needed = new Set<string>(checkpoint.stateImages);
    const newestImage = `${imagePrefix(checkpoint.taskId)}${epochText(checkpoint.epoch)}`;
    const garbage: string[] = [];
    for await (const { key } of this.objects.list(taskPrefix(checkpoint.taskId))) {
      const image = key.startsWith(imagePrefix(checkpoint.taskId));
      if (image ? !needed.has(key) && key < newestImage : key.endsWith(".json") && key < current)
        garbage.push(key);
    }
    await this.objects.delete(garbage);
  }

  /** As {@link collect}, of many. What fails is told and left to the next checkpoint: nothing waits for it. */
  async collectAll(checkpoints: readonly Checkpoint[], warn: (message: string) => void): Promise<void> {
    let failed: string | null = null;
    for (const checkpoint of checkpoints) {
      try {
        await this.collect(checkpoint);
      } catch (error) {
        failed ??= `what checkpoint ${checkpoint.epoch} of task ${checkpoint.taskId} has replaced was not deleted: ${error}`;
      }
    }
    if (failed !== null) warn(failed);
  }

  private async newestKey(taskId: string): Promise<string | null> {
    let newest: string | null = null;
    for await (const { key } of this.objects.list(taskPrefix(taskId)))
      if (key.endsWith(".json")) newest = key;
    return newest;
  }
}

/** The object of a checkpoint. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...checkpoint }));
}

function decodeCheckpoint(key: string, bytes: Uint8Array): Checkpoint {
  const { format = 1, ...checkpoint } = JSON.parse(utf8Decoder.decode(bytes)) as Checkpoint & {
    readonly format?: number;
  };
  if (format <= FORMAT) return checkpoint;
  throw new MillraceError(
    `the checkpoint ${key} has format ${format}, and this version reads up to ${FORMAT}: run the newer version that wrote it, or restore a backup from before the upgrade`,
    { code: "checkpoint-newer", origin: "user" },
  );
}

/** Each part behind its length as u32. */
function framed(parts: readonly Uint8Array[]): Uint8Array[] {
  return parts.flatMap((part) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length, true);
    return [length, part];
  });
}

function unframed(key: string, bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw damaged(key);
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

function damaged(key: string): MillraceError {
  return new MillraceError(
    `the state image ${key} is cut off or of an earlier version; run the version that wrote it, or replay into a fresh home folder`,
    { code: "state-mismatch", origin: "user" },
  );
}

function fenced(at: Pick<Checkpoint, "taskId" | "epoch">, cause?: unknown): MillraceError {
  return new MillraceError(
    `task ${at.taskId}: another owner has gone on behind epoch ${at.epoch}; this one stops`,
    { code: "task-fenced", origin: "external", cause },
  );
}

function taskPrefix(taskId: string): string {
  return `${CHECKPOINTS}${taskId}/`;
}

function imagePrefix(taskId: string): string {
  return `${taskPrefix(taskId)}state/`;
}

/** Where the checkpoint of an epoch stands among the objects. */
export function checkpointKey(taskId: string, epoch: number): string {
  return `${taskPrefix(taskId)}${epochText(epoch)}.json`;
}

function epochText(epoch: number): string {
  return String(epoch).padStart(EPOCH_DIGITS, "0");
}
