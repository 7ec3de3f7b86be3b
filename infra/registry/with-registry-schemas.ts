import { ownSchemas, type WriterSchemas } from "../../schema/index.ts";
import { createSchemaResolvingLog, type EventLog } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { RegistrySchemas, type RegistrySchemasDeps } from "./registry-schemas.ts";
import { SchemaRegistry } from "./schema-registry.ts";

/**
 * The log and what its Avro records' schema ids mean: by the configured registry, which is asked while
 * the log is read, or without one the contracts' own ids.
 */
export function withRegistrySchemas(
  log: EventLog,
  config: Config,
  deps: Omit<RegistrySchemasDeps, "registry">,
): { readonly log: EventLog; readonly schemas: WriterSchemas } {
  if (config.schemaRegistryUrl === "") return { log, schemas: ownSchemas };
  const source = new RegistrySchemas({ ...deps, registry: new SchemaRegistry(config) });
  return { log: createSchemaResolvingLog(log, source), schemas: source.schemas };
}
