import type { LoadedView, ViewCatalog, ViewDefinition } from "../../ports/view-catalog.ts";
import { commitConflict } from "../../table/apply-updates.ts";
import type { IcebergSchema } from "../../table/table-metadata.ts";
import { CatalogError } from "./catalog-error.ts";
import { isMissing, nameParts, namespacePath, type RestClient } from "./rest-client.ts";

const DIALECT = "trino";
/** As an id: the schema or the version that the same commit adds. */
const LAST_ADDED = -1;

/** View metadata as far as it is read here (https://iceberg.apache.org/view-spec/#view-metadata). */
interface ViewMetadata {
  readonly "view-uuid": string;
  readonly "current-version-id": number;
  readonly schemas: readonly IcebergSchema[];
  readonly versions: readonly ViewVersion[];
  readonly properties?: Readonly<Record<string, string>>;
}

interface ViewVersion {
  readonly "version-id": number;
  readonly "schema-id": number;
  readonly "default-catalog"?: string;
  readonly "default-namespace": readonly string[];
  readonly representations: readonly {
    readonly type: string;
    readonly sql: string;
    readonly dialect: string;
  }[];
}

/** The views of a catalog that speaks the Iceberg REST specification. */
export class RestViewCatalog implements ViewCatalog {
  private readonly client: RestClient;
  private readonly clock: () => number;

  constructor(client: RestClient, clock: () => number) {
    this.client = client;
    this.clock = clock;
  }

  async load(view: string): Promise<LoadedView | null> {
    const metadata = await this.metadataOf(view);
    return metadata === null ? null : loaded(metadata);
  }

  async create(view: string, location: string, definition: ViewDefinition): Promise<void> {
    const { namespace, name } = nameParts(view);
    await this.send(view, `${namespacePath(namespace)}/views`, {
      name,
      location,
      schema: schemaOf(definition),
      "view-version": this.versionOf(definition, { id: 1, schemaId: 0 }),
      properties: definition.properties,
    });
  }

  async replace(view: string, uuid: string, definition: ViewDefinition): Promise<void> {
    const { namespace, name } = nameParts(view);
    const metadata = await this.metadataOf(view);
    if (metadata === null) throw commitConflict(view, "it was dropped");
    const id = 1 + Math.max(...metadata.versions.map((version) => version["version-id"]));
    const known = metadata.schemas.find((schema) => columnsOf(schema) === columnsOf(definition));
    const schemaId = known?.["schema-id"] ?? LAST_ADDED;
    await this.send(view, viewPath(view), {
      identifier: { namespace: [namespace], name },
      requirements: [{ type: "assert-view-uuid", uuid }],
      updates: [
        ...(known === undefined ? [{ action: "add-schema", schema: schemaOf(definition) }] : []),
        { action: "add-view-version", "view-version": this.versionOf(definition, { id, schemaId }) },
        { action: "set-current-view-version", "view-version-id": LAST_ADDED },
        { action: "set-properties", updates: definition.properties },
      ],
    });
  }

  private async metadataOf(view: string): Promise<ViewMetadata | null> {
    try {
      const { metadata } = (await this.client.request("GET", viewPath(view))) as { metadata: ViewMetadata };
      return metadata;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Sent again after a lost answer, it is in conflict with itself: whoever looks then finds it done. */
  private async send(view: string, path: string, body: unknown): Promise<void> {
    try {
      await this.client.request("POST", path, body);
    } catch (error) {
      if (error instanceof CatalogError && error.status === 409) throw commitConflict(view, error.message);
      throw error;
    }
  }

  private versionOf(
    { sql, defaultCatalog, defaultNamespace }: ViewDefinition,
    { id, schemaId }: { readonly id: number; readonly schemaId: number },
  ) {
    return {
      "version-id": id,
      "timestamp-ms": this.clock(),
      "schema-id": schemaId,
      // A version that is as one before is none to a catalog, and cannot become the current one: its number tells.
      summary: { "engine-name": "millrace", "millrace.version": String(id) },
      representations: [{ type: "sql", sql, dialect: DIALECT }],
      "default-catalog": defaultCatalog,
      "default-namespace": [defaultNamespace],
    };
  }
}

function schemaOf({ fields }: ViewDefinition): IcebergSchema {
  return { type: "struct", "schema-id": 0, fields };
}

/** What makes a schema one that the catalog has; it may have numbered the columns itself. */
function columnsOf({ fields }: Pick<IcebergSchema, "fields">): string {
  return JSON.stringify(fields.map(({ name, type, required, doc }) => [name, type, required, doc]));
}

function loaded(metadata: ViewMetadata): LoadedView {
  const { versions, schemas, properties = {} } = metadata;
  const version = versions.find((one) => one["version-id"] === metadata["current-version-id"]);
  const schema = schemas.find((one) => one["schema-id"] === version?.["schema-id"]);
  return {
    uuid: metadata["view-uuid"],
    sql: version?.representations.find(({ dialect }) => dialect === DIALECT)?.sql ?? "",
    fields: schema?.fields ?? [],
    defaultCatalog: version?.["default-catalog"] ?? "",
    defaultNamespace: version?.["default-namespace"].join(".") ?? "",
    properties,
  };
}

function viewPath(view: string): string {
  const { namespace, name } = nameParts(view);
  return `${namespacePath(namespace)}/views/${encodeURIComponent(name)}`;
}
