import { CatalogError } from "./catalog-error.ts";
import type { HttpRequest } from "./http-request.ts";

/** How the catalog knows its client. */
export type CatalogAuth =
  | { readonly kind: "none" }
  | { readonly kind: "bearer"; readonly token: string }
  | {
      readonly kind: "client-credentials";
      readonly clientId: string;
      readonly clientSecret: string;
      /** Default `catalog`. */
      readonly scope?: string;
      /** Token endpoint of an identity provider; default: the catalog's own, `v1/oauth/tokens`. */
      readonly tokenUri?: string;
    };

/** The bearer token of requests, or null where there is none. */
export interface AccessToken {
  current(): Promise<string | null>;
  /** The catalog refused this token: whether there will be another. */
  renew(refused: string): boolean;
}

export function createAccessToken(
  auth: CatalogAuth,
  options: {
    /** Of the catalog's own token endpoint. */
    readonly tokenUri: string;
    readonly send: HttpRequest;
    readonly clock: () => number;
  },
): AccessToken {
  if (auth.kind === "client-credentials") return new ClientCredentialsToken(auth, options);
  const token = auth.kind === "bearer" ? auth.token : null;
  return { current: async () => token, renew: () => false };
}

/** A token is renewed this long before it expires, or a fifth of its life if that is shorter. */
const MARGIN_MS_MAX = 60_000;

interface Grant {
  readonly token: string;
  readonly renewAt: number;
}

/** OAuth 2.0 client credentials (RFC 6749, section 4.4). Of requests at the same time one fetches it. */
class ClientCredentialsToken implements AccessToken {
  private readonly auth: CatalogAuth & { readonly kind: "client-credentials" };
  private readonly tokenUri: string;
  private readonly send: HttpRequest;
  private readonly clock: () => number;
  private grant: Promise<Grant> | null = null;
  private known: Grant | null = null;

  constructor(
    auth: CatalogAuth & { readonly kind: "client-credentials" },
    options: { readonly tokenUri: string; readonly send: HttpRequest; readonly clock: () => number },
  ) {
    this.auth = auth;
    this.tokenUri = auth.tokenUri ?? options.tokenUri;
    this.send = options.send;
    this.clock = options.clock;
  }

  async current(): Promise<string> {
    if (this.known !== null && this.clock() >= this.known.renewAt) this.forget();
    this.grant ??= this.fetch();
    try {
      this.known = await this.grant;
      return this.known.token;
    } catch (error) {
      this.grant = null;
      throw error;
    }
  }

  renew(refused: string): boolean {
    if (this.known?.token === refused) this.forget();
    return true;
  }

  private forget(): void {
    this.grant = null;
    this.known = null;
  }

  private async fetch(): Promise<Grant> {
    const { clientId, clientSecret, scope } = this.auth;
    const askedAt = this.clock();
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
      scope: scope ?? "catalog",
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const place = `the token endpoint ${this.tokenUri}`;
    const answer = await this.send({
      method: "POST",
      url: this.tokenUri,
      place,
      headers,
      body: String(body),
    });
    const { access_token: token, expires_in: seconds } = answer as Record<string, unknown>;
    if (typeof token !== "string") throw CatalogError.ofBody(place, 200, "no access_token");
    const lifeMs = typeof seconds === "number" ? seconds * 1000 : Number.POSITIVE_INFINITY;
    return { token, renewAt: askedAt + lifeMs - Math.min(MARGIN_MS_MAX, lifeMs / 5) };
  }
}
