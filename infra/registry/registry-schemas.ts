import { doublingWait } from "../../lakehouse/index.ts";
import {
  MillraceError,
  parseWriterSchema,
  type WriterSchema,
  type WriterSchemas,
} from "../../schema/index.ts";
import type { SchemaSource } from "../../stream/index.ts";
import type { SchemaRegistry } from "./schema-registry.ts";

/** Ids kept; beyond, the oldest that the registry did not know is forgotten first. */
const IDS_MAX = 1_000;
/** New ids that one batch may have looked up: damaged records could name any number of them. */
const LOOKUPS_PER_BATCH_MAX = 100;
/** After so long an id that the registry did not know is asked for again: it may be registered by now. */
const UNKNOWN_MS = 60_000;
const LOOKUPS_AT_ONCE_MAX = 8;
const ATTEMPTS_MAX = 6;
const BACKOFF_MS = { min: 100, max: 5_000 } as const;

export interface RegistrySchemasDeps {
  readonly registry: Pick<SchemaRegistry, "schemaOf">;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
}

/** Schema ids of a registry, each asked for once and kept. */
export class RegistrySchemas implements SchemaSource {
  private readonly deps: RegistrySchemasDeps;
  private readonly known: KnownSchemas;
  private readonly asked = new Map<number, Promise<void>>();

  constructor(deps: RegistrySchemasDeps) {
    this.deps = deps;
    this.known = new KnownSchemas(deps.clock);
  }

  get schemas(): WriterSchemas {
    return this.known;
  }

  /**
   * Asks for the ids that are not known. What the registry does not know, and what one batch asks
   * beyond the maximum, counts as unknown: its records become dead letters, which keep their bytes.
   */
  async resolve(ids: readonly number[]): Promise<void> {
    const missing = ids.filter((id) => !this.known.has(id));
    const looked = missing.slice(0, LOOKUPS_PER_BATCH_MAX);
    for (let from = 0; from < looked.length; from += LOOKUPS_AT_ONCE_MAX) {
      await Promise.all(looked.slice(from, from + LOOKUPS_AT_ONCE_MAX).map((id) => this.lookUp(id)));
    }
    for (const id of missing.slice(LOOKUPS_PER_BATCH_MAX)) this.keep(id, null);
  }

  /** One request for an id, however many readers meet it at the same time. */
  private lookUp(id: number): Promise<void> {
    let request = this.asked.get(id);
    if (request === undefined) {
      request = this.fetch(id).finally(() => this.asked.delete(id));
      this.asked.set(id, request);
    }
    return request;
  }

  private async fetch(id: number): Promise<void> {
    const { registry, warn, sleep, random } = this.deps;
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await registry.schemaOf(id);
        if (found === null)
          warn(`schema id ${id} is not in the schema registry: its records become dead letters`);
        this.keep(id, found === null ? null : schemaFrom(found));
        return;
      } catch (error) {
        if (!(error instanceof MillraceError && error.retry) || attempt === ATTEMPTS_MAX) throw error;
        const waitMs = doublingWait(BACKOFF_MS, attempt, random);
        warn(`${error.message}; records with schema id ${id} wait, next try in ${Math.round(waitMs)} ms`);
        await sleep(waitMs);
      }
    }
  }

  private keep(id: number, schema: WriterSchema | null): void {
    this.known.keep(id, schema);
    if (this.known.size <= IDS_MAX) return;
    const unknown = [...this.known].find(([other, kept]) => kept === null && other !== id);
    this.known.delete(unknown?.[0] ?? this.known.keys().next().value ?? id);
  }
}

/** Has an id that the registry did not know for {@link UNKNOWN_MS} only. */
class KnownSchemas extends Map<number, WriterSchema | null> {
  private readonly clock: () => number;
  private readonly unknownSince = new Map<number, number>();

  constructor(clock: () => number) {
    super();
    this.clock = clock;
  }

  keep(id: number, schema: WriterSchema | null): void {
    this.set(id, schema);
    if (schema === null) this.unknownSince.set(id, this.clock());
  }

  override has(id: number): boolean {
    const since = this.unknownSince.get(id);
    if (since !== undefined && this.clock() - since >= UNKNOWN_MS) this.delete(id);
    return super.has(id);
  }

  override delete(id: number): boolean {
    this.unknownSince.delete(id);
    return super.delete(id);
  }
}

function schemaFrom({ schema, schemaType }: { schema: string; schemaType: string }): WriterSchema {
  if (schemaType !== "AVRO") return { title: `a ${schemaType} schema`, contract: null, fields: [] };
  try {
    return parseWriterSchema(schema);
  } catch (error) {
    // A schema that cannot be parsed does not get better by asking again: its records are refused.
    const why = error instanceof Error ? error.message : String(error);
    return { title: `no schema that can be read (${why.slice(0, 200)})`, contract: null, fields: [] };
  }
}
