import { retryAfterMs } from "../../retry-after-ms.ts";
import { parseLossless } from "../../table/lossless-json.ts";
import { CatalogError } from "./catalog-error.ts";

export interface HttpRequestParts {
  readonly method: "GET" | "POST";
  readonly url: string;
  /** What is asked, for messages; without secrets. */
  readonly place: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * One request, one answer: its JSON with exact integers (undefined where the answer has none). Rejects
 * with {@link CatalogError}.
 */
export type HttpRequest = (parts: HttpRequestParts) => Promise<unknown>;

export interface HttpRequestOptions {
  /** Longest time for a whole request and its answer. */
  readonly requestMsMax: number;
  readonly clock: () => number;
  /** Gives up the requests that are under way. */
  readonly signal?: AbortSignal;
}

/** Requests over Node's own client, which keeps connections open between them. */
export function createHttpRequest(options: HttpRequestOptions): HttpRequest {
  return async ({ method, url, place, headers, body }) => {
    const timeout = AbortSignal.timeout(options.requestMsMax);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
      text = await response.text();
    } catch (error) {
      throw CatalogError.ofFailure(place, error);
    }
    if (!response.ok) {
      const waitMs = retryAfterMs(response.headers.get("retry-after"), options.clock());
      throw CatalogError.ofAnswer(place, response.status, text, waitMs);
    }
    if (text === "") return undefined;
    try {
      return parseLossless(text);
    } catch (error) {
      throw CatalogError.ofBody(place, response.status, error);
    }
  };
}
