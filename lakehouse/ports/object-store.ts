import { MillraceError } from "../../schema/index.ts";

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: number;
}

/** What an object is made of: bytes, or pieces of them that lie in it back to back. */
export type ObjectBytes = Uint8Array | readonly Uint8Array[];

/**
 * Flat store of immutable objects. Keys are relative paths with `/`. A put is atomic and durable
 * when its promise resolves: a reader sees the whole object or none.
 */
export interface ObjectStore {
  /**
   * @param options.ifAbsent create only: rejects with code `precondition-failed` when the key exists.
   *   Of several racing creators exactly one wins.
   */
  put(key: string, bytes: ObjectBytes, options?: { readonly ifAbsent?: boolean }): Promise<void>;
  /** Rejects with code `object-not-found`. */
  get(key: string): Promise<Uint8Array>;
  head(key: string): Promise<ObjectInfo | null>;
  /** All objects whose key begins with the prefix, in key order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Deletes what exists of these keys. */
  delete(keys: readonly string[]): Promise<void>;
  /** The object's address for Iceberg metadata and engines. */
  uri(key: string): string;
}

/** Whether an error is that of {@link ObjectStore.get} for an object that is not there. */
export function isMissingObject(error: unknown): boolean {
  return error instanceof MillraceError && error.code === "object-not-found";
}

/** The same as one array: a copy, unless it is one already. */
export function joinPieces(bytes: ObjectBytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : Buffer.concat(bytes);
}
