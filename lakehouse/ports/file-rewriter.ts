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

/** Code of the error where rows are too wide for the memory that the rewriter may take. */
export const REWRITE_OUT_OF_MEMORY = "rewrite-out-of-memory";

/** Writes the rows of several data files into one. */
export interface FileRewriter {
  /**
   * Resolves when the new file is durable in the object store; it is not yet part of the table. Rows are sorted where
   * memory does for that. Rejects with {@link REWRITE_OUT_OF_MEMORY}.
   */
  rewrite(request: RewriteRequest): Promise<StagedFile>;
  close(): Promise<void>;
}
