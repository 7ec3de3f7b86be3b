import {
  createSchemaResolvingLog,
  type EventLog,
  ownSchemaSource,
  type SchemaSource,
} from "../../stream/index.ts";
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
): { readonly log: EventLog; readonly schemaSource: SchemaSource } {
  if (config.schemaRegistryUrl === "") return { log, schemaSource: ownSchemaSource };
  const source = new RegistrySchemas({ ...deps, registry: new SchemaRegistry(config) });
  return { log: createSchemaResolvingLog(log, source), schemaSource: source };
}
