import { MillraceError } from "../../../schema/index.ts";
import type { Catalog, LoadedTable, TableCommit } from "../../ports/catalog.ts";
import type { ViewCatalog } from "../../ports/view-catalog.ts";
import { commitConflict } from "../../table/apply-updates.ts";
import { CatalogError } from "./catalog-error.ts";
import {
  isMissing,
  isSafeToSendAgain,
  nameParts,
  namespacePath,
  type RestCatalogOptions,
  RestClient,
} from "./rest-client.ts";
import { RestViewCatalog } from "./rest-view-catalog.ts";

/**
 * A catalog that speaks the Iceberg REST specification
 * (https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml): the REST fixture
 * of the Iceberg project, Polaris, Lakekeeper, Nessie.
 *
 * The commit point is the catalog's. A commit is sent again only where the catalog certainly did not
 * apply it (it was never sent, or answered with 401 or 429); after any other failure its outcome is
 * `commit-unknown`, since a 409 to the repetition could mean that the first try won.
 */
export class RestCatalog implements Catalog {
  /** The views beside the tables. */
  readonly views: ViewCatalog;
  private readonly options: RestCatalogOptions;
  private readonly client: RestClient;

  constructor(options: RestCatalogOptions) {
    this.options = options;
    this.client = new RestClient(options);
    this.views = new RestViewCatalog(this.client, options.clock);
  }

  /**
   * Resolves when the catalog answers and takes the credentials; else rejects with what to do. For the
   * start of a process: wrong settings are told at once, a catalog that is just starting is waited for.
   */
  async check(): Promise<void> {
    await this.list("default");
  }

  async load(table: string): Promise<LoadedTable | null> {
    try {
      return loaded(await this.client.request("GET", tablePath(table)));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async commit(table: string, commit: TableCommit): Promise<LoadedTable> {
    const creates = commit.requirements.some((requirement) => requirement.type === "assert-create");
    try {
      return await this.sendCommit(table, commit);
    } catch (error) {
      if (!(creates && isMissing(error))) throw await this.commitError(table, error);
    }
    await this.createNamespace(nameParts(table).namespace);
    try {
      return await this.sendCommit(table, commit);
    } catch (error) {
      throw await this.commitError(table, error);
    }
  }

  async list(namespace: string): Promise<readonly string[]> {
    const tables: string[] = [];
    let pageToken = "";
    try {
      do {
        const page = (await this.client.request(
          "GET",
          `${namespacePath(namespace)}/tables?pageToken=${encodeURIComponent(pageToken)}`,
        )) as {
          identifiers: readonly { readonly name: string }[];
          "next-page-token"?: string | null;
        };
        for (const { name } of page.identifiers) tables.push(`${namespace}.${name}`);
        pageToken = page["next-page-token"] ?? "";
      } while (pageToken !== "");
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
    return tables.sort();
  }

  private async sendCommit(table: string, commit: TableCommit): Promise<LoadedTable> {
    const { namespace, name } = nameParts(table);
    const body = { identifier: { namespace: [namespace], name }, ...commit };
    return loaded(await this.client.request("POST", tablePath(table), body, isSafeToSendAgain));
  }

  private async createNamespace(namespace: string): Promise<void> {
    try {
      await this.client.request("POST", "/namespaces", { namespace: [namespace], properties: {} });
    } catch (error) {
      // Another process was first, or the answer to our own first try was lost.
      if (!(error instanceof CatalogError && error.status === 409)) throw error;
    }
  }

  private async commitError(table: string, error: unknown): Promise<unknown> {
    if (!(error instanceof CatalogError)) return error;
    if (error.status === 409 || isStaleSequence(error)) return commitConflict(table, error.message);
    if (isMissing(error)) {
      return new MillraceError(`there is no table ${table}; create it first (ensureTables)`, {
        code: "table-not-found",
        origin: "user",
        cause: error,
      });
    }
    if (error.unapplied) return error;
    // Whoever looks and tries again goes on when this returns: not before the catalog wants it.
    if (error.retryAfterMs !== null) {
      await this.options.sleep(Math.min(error.retryAfterMs, this.client.limits.backoffMsMax));
    }
    return new MillraceError(`${table}: whether the commit was applied is not known: ${error.message}`, {
      code: "commit-unknown",
      origin: "external",
      retry: true,
      cause: error,
    });
  }
}

/**
 * Whether a commit to another branch took the sequence number. No requirement tells of that: catalogs refuse the
 * snapshot as invalid (Iceberg's: 400, "Cannot add snapshot with sequence number 7 older than last sequence number 7").
 */
function isStaleSequence({ status, message }: CatalogError): boolean {
  return (status === 400 || status === 422) && /sequence[ -]number/i.test(message);
}

function loaded(answer: unknown): LoadedTable {
  const { metadata, "metadata-location": location } = answer as {
    readonly metadata: LoadedTable["metadata"];
    readonly "metadata-location"?: string | null;
  };
  return { metadata, metadataLocation: location ?? "" };
}

function tablePath(table: string): string {
  const { namespace, name } = nameParts(table);
  return `${namespacePath(namespace)}/tables/${encodeURIComponent(name)}`;
}
