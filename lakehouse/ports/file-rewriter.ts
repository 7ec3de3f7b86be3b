import type { SchemaField } from "../table/table-metadata.ts";
import type { StagedFile } from "./staged-file.ts";

export interface RewriteRequest {
  /** `bronze.orders`. */
  readonly table: string;
  readonly fields: readonly SchemaField[];
  /** Addresses of the data files whose rows go into the new one. */
  readonly inputs: readonly string[];
  /** Object key of the new file. */
  readonly key: string;
  /** Partition of inputs and output: days since the epoch. */
  readonly day: number;
  /** Columns by which rows are sorted if they can be, so that files and row groups can be skipped. */
  readonly sortBy: readonly string[];
}

/** Codes of errors that leave files as they are, and say what to do. */
export const FILES_LEFT = {
  /** Rows are too wide for the memory that the rewriter may take. */
  outOfMemory: "rewrite-out-of-memory",
  /** Columns of other engines' making would be lost. */
  typeUnsupported: "rewrite-type-unsupported",
} as const;

/** Writes the rows of several data files into one. */
export interface FileRewriter {
  /**
   * Resolves when the new file is durable in the object store; it is not yet part of the table. Rows are sorted where
   * memory does for that. Rejects with a code of {@link FILES_LEFT} where it cannot rewrite them.
   */
  rewrite(request: RewriteRequest): Promise<StagedFile>;
  close(): Promise<void>;
}
