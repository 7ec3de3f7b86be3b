import { MillraceError } from "../../../schema/index.ts";
import type { Catalog, LoadedTable, TableCommit } from "../../ports/catalog.ts";
import { commitConflict } from "../../table/apply-updates.ts";
import { stringifyLossless } from "../../table/lossless-json.ts";
import { type RequestRetryOptions, retryRequest } from "../request-retry.ts";
import { type AccessToken, type CatalogAuth, createAccessToken } from "./access-token.ts";
import { CatalogError } from "./catalog-error.ts";
import { createHttpRequest, type HttpRequest } from "./http-request.ts";

export interface RestCatalogOptions {
  /** Address of the catalog without `/v1`: `http://127.0.0.1:8181`, `https://host/catalog`. */
  readonly uri: string;
  /** Which of the catalog's warehouses; absent where it has one. */
  readonly warehouse?: string;
  readonly auth?: CatalogAuth;
  readonly limits?: Partial<RestCatalogLimits>;
  /** Gives up the requests that are under way. */
  readonly signal?: AbortSignal;
  /** Current time, ms. */
  readonly clock: () => number;
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
}

export interface RestCatalogLimits {
  /** Tries of one request. With the waits below ten bridge a restart of the catalog of about 10 s. */
  readonly attemptsMax: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  /** A commit that takes longer has an unknown outcome. */
  readonly requestMsMax: number;
}

const LIMITS: RestCatalogLimits = {
  attemptsMax: 10,
  backoffMsMin: 100,
  backoffMsMax: 2_000,
  requestMsMax: 30_000,
};

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
  private readonly options: RestCatalogOptions;
  private readonly limits: RestCatalogLimits;
  private readonly retry: RequestRetryOptions;
  private readonly base: string;
  private readonly http: HttpRequest;
  private readonly token: AccessToken;
  /** `HOST/v1/PREFIX`, as the catalog's configuration says. */
  private root: Promise<string> | null = null;

  constructor(options: RestCatalogOptions) {
    this.options = options;
    this.limits = { ...LIMITS, ...options.limits };
    this.retry = { ...this.limits, sleep: options.sleep, random: options.random };
    this.base = withoutSlash(options.uri);
    this.http = createHttpRequest({ ...options, requestMsMax: this.limits.requestMsMax });
    this.token = createAccessToken(options.auth ?? { kind: "none" }, {
      tokenUri: `${this.base}/v1/oauth/tokens`,
      send: this.http,
      clock: options.clock,
    });
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
      return loaded(await this.request("GET", tablePath(table)));
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
        const page = (await this.request(
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
    return loaded(await this.request("POST", tablePath(table), body, isSafeToSendAgain));
  }

  private async createNamespace(namespace: string): Promise<void> {
    try {
      await this.request("POST", "/namespaces", { namespace: [namespace], properties: {} });
    } catch (error) {
      // Another process was first, or the answer to our own first try was lost.
      if (!(error instanceof CatalogError && error.status === 409)) throw error;
    }
  }

  private async commitError(table: string, error: unknown): Promise<unknown> {
    if (!(error instanceof CatalogError)) return error;
    if (error.status === 409) return commitConflict(table, error.message);
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
      await this.options.sleep(Math.min(error.retryAfterMs, this.limits.backoffMsMax));
    }
    return new MillraceError(`${table}: whether the commit was applied is not known: ${error.message}`, {
      code: "commit-unknown",
      origin: "external",
      retry: true,
      cause: error,
    });
  }

  private async request(
    method: "GET" | "POST",
    path: string,
    body?: unknown,
    isRepeatable?: (error: MillraceError) => boolean,
  ): Promise<unknown> {
    const url = `${await this.openRoot()}${path}`;
    return retryRequest(this.retry, () => this.authorized(method, url, body), isRepeatable);
  }

  private openRoot(): Promise<string> {
    this.root ??= this.configuredRoot().catch((error: unknown) => {
      this.root = null;
      throw error;
    });
    return this.root;
  }

  /** What the catalog says about itself: its address for further requests, and the warehouse's prefix. */
  private async configuredRoot(): Promise<string> {
    const { warehouse } = this.options;
    const query = warehouse === undefined ? "" : `?warehouse=${encodeURIComponent(warehouse)}`;
    const config = (await retryRequest(this.retry, () =>
      this.authorized("GET", `${this.base}/v1/config${query}`),
    )) as {
      readonly defaults?: Readonly<Record<string, string>>;
      readonly overrides?: Readonly<Record<string, string>>;
    };
    const values = { ...config?.defaults, ...config?.overrides };
    const prefix = values.prefix === undefined ? "" : `/${values.prefix}`;
    return `${withoutSlash(values.uri ?? this.base)}/v1${prefix}`;
  }

  /** With the token; once more with a new one where the catalog refuses it. */
  private async authorized(method: "GET" | "POST", url: string, body?: unknown): Promise<unknown> {
    for (let isRenewed = false; ; isRenewed = true) {
      const token = await this.token.current();
      const headers: Record<string, string> = { accept: "application/json" };
      if (token !== null) headers.authorization = `Bearer ${token}`;
      if (body !== undefined) headers["content-type"] = "application/json";
      const parts = { method, url, place: `the catalog at ${url}`, headers };
      try {
        return await this.http(body === undefined ? parts : { ...parts, body: stringifyLossless(body) });
      } catch (error) {
        const isRefused = error instanceof CatalogError && (error.status === 401 || error.status === 419);
        if (!isRefused || isRenewed || token === null || !this.token.renew(token)) throw error;
      }
    }
  }
}

function loaded(answer: unknown): LoadedTable {
  const { metadata, "metadata-location": location } = answer as {
    readonly metadata: LoadedTable["metadata"];
    readonly "metadata-location"?: string | null;
  };
  return { metadata, metadataLocation: location ?? "" };
}

/** No such table or namespace, in a catalog's own words: a web server's 404 is a wrong address. */
function isMissing(error: unknown): boolean {
  return error instanceof CatalogError && error.status === 404 && error.type !== null;
}

function isSafeToSendAgain(error: MillraceError): boolean {
  return error.retry && error instanceof CatalogError && error.unapplied;
}

function nameParts(table: string): { readonly namespace: string; readonly name: string } {
  const dot = table.indexOf(".");
  return { namespace: table.slice(0, dot), name: table.slice(dot + 1) };
}

function namespacePath(namespace: string): string {
  return `/namespaces/${encodeURIComponent(namespace)}`;
}

function tablePath(table: string): string {
  const { namespace, name } = nameParts(table);
  return `${namespacePath(namespace)}/tables/${encodeURIComponent(name)}`;
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, "");
}
