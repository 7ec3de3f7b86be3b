export type FieldType = "string" | "enum" | "json" | "int" | "long" | "double" | "boolean" | "timestamp";

/** One field of a contract, as every decoder, table and check sees it; read from the Avro schema. */
export interface ContractField {
  /** Name on the wire, camelCase. */
  readonly name: string;
  /** Name in the lake, snake_case. */
  readonly column: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  /** Decoded as an interned key, because operators keep state by it. */
  readonly key: boolean;
  readonly symbols: readonly string[] | null;
  /** Inclusive bounds of a number, or null. */
  readonly min: number | null;
  readonly max: number | null;
  /** Most bytes of a text, UTF-8. */
  readonly maxBytes: number | null;
  readonly doc: string;
}

/** A versioned event type and the topic that carries it. */
export interface EventContract {
  readonly name: string;
  readonly topic: string;
  readonly version: number;
  readonly doc: string;
  /** The field with the idempotency key. */
  readonly idField: string;
  /** The field with the event time. */
  readonly timeField: string;
  /** The field whose value chooses the partition. */
  readonly keyField: string;
  readonly fields: readonly ContractField[];
}

/** Value of a `json` field in an event object; decoded as its text, verbatim. */
export type JsonStructure = readonly unknown[] | { readonly [member: string]: unknown };
