/** What is used of parquetjs-lite, which brings no types. */
declare module "parquetjs-lite" {
  export interface FieldDefinition {
    readonly type: "INT64" | "DOUBLE" | "BOOLEAN" | "TIMESTAMP_MILLIS" | "UTF8";
    readonly optional: boolean;
    readonly compression: "SNAPPY" | "UNCOMPRESSED";
  }

  class ParquetSchema {
    constructor(fields: Readonly<Record<string, FieldDefinition>>);
  }

  class ParquetWriter {
    static openFile(schema: ParquetSchema, path: string): Promise<ParquetWriter>;
    appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
    close(): Promise<void>;
  }

  const parquet: {
    readonly ParquetSchema: typeof ParquetSchema;
    readonly ParquetWriter: typeof ParquetWriter;
  };
  export default parquet;
}
