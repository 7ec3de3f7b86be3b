import type { MillraceError } from "../../../schema/index.ts";
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
  /** Path behind `/v1`; absent: what the catalog says of its warehouse. */
  readonly prefix?: string;
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

/** Requests to a REST catalog below its configured root, with its credentials, repeated where that is safe. */
export class RestClient {
  readonly limits: RestCatalogLimits;
  private readonly options: RestCatalogOptions;
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
   * The answer to a request; `path` begins with a slash.
   *
   * @param isRepeatable whether the request is sent again after this error; unless given, after those that say `retry`
   */
  async request(
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
    const prefix = (this.options.prefix ?? values.prefix ?? "").replace(/^\/+|\/+$/g, "");
    return `${withoutSlash(values.uri ?? this.base)}/v1${prefix === "" ? "" : `/${prefix}`}`;
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

/** No such table, view or namespace, in a catalog's own words: a web server's 404 is a wrong address. */
export function isMissing(error: unknown): boolean {
  return error instanceof CatalogError && error.status === 404 && error.type !== null;
}

/** Of a commit: whether it certainly was not applied, so that a conflict with the repetition is none with itself. */
export function isSafeToSendAgain(error: MillraceError): boolean {
  return error.retry && error instanceof CatalogError && error.unapplied;
}

/** Of `gold.funnel`. */
export function nameParts(name: string): { readonly namespace: string; readonly name: string } {
  const dot = name.indexOf(".");
  return { namespace: name.slice(0, dot), name: name.slice(dot + 1) };
}

export function namespacePath(namespace: string): string {
  return `/namespaces/${encodeURIComponent(namespace)}`;
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, "");
}
