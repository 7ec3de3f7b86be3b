import type { MillraceError } from "../../../schema/index.ts";
import { parseLossless } from "../../table/lossless-json.ts";
import { type RequestRetryOptions, retryRequest } from "../request-retry.ts";
import { connectionError, failureError, statusError, type TrinoFailure } from "./trino-errors.ts";

export interface StatementClientOptions {
  /** Address of the coordinator: `https://HOST:PORT`. */
  readonly server: string;
  readonly user: string;
  /** Trino takes one over https only. */
  readonly password?: string;
  /** Session properties of every statement. */
  readonly session?: Readonly<Record<string, string>>;
  readonly retry: RequestRetryOptions;
}

export interface StatementColumn {
  readonly name: string;
  readonly type: string;
}

export interface StatementPage {
  readonly columns: readonly StatementColumn[];
  readonly rows: readonly (readonly unknown[])[];
}

interface Answer {
  readonly nextUri?: string;
  readonly columns?: readonly StatementColumn[];
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: TrinoFailure;
}

/** Trino answers a poll within a second or so, with rows or without. */
const REQUEST_MS_MAX = 30_000;

/**
 * Trino's client protocol (https://trino.io/docs/current/develop/client-protocol.html): a statement is
 * posted, its results are fetched page by page, and deleting the next page's address cancels it.
 *
 * Why not `trino-client`: see infra/decisions/0008-own-trino-client.md.
 */
export class StatementClient {
  private readonly server: string;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly retry: RequestRetryOptions;
  private readonly cancelling = new Set<Promise<void>>();

  constructor(options: StatementClientOptions) {
    const { user, password, session = {} } = options;
    this.server = options.server.replace(/\/+$/, "");
    this.retry = options.retry;
    const sessionText = Object.entries(session).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    this.headers = {
      "X-Trino-User": user,
      "X-Trino-Source": "millrace",
      "X-Trino-Time-Zone": "UTC",
      // Without it times come cut to the protocol's old precision.
      "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
      ...(sessionText.length === 0 ? {} : { "X-Trino-Session": sessionText.join(",") }),
      ...(password === undefined
        ? {}
        : { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` }),
    };
  }

  /**
   * Runs a statement. Pages may be empty; every one has the columns. Whoever stops early, by leaving
   * the loop or by the signal, has the statement cancelled.
   */
  async *run(statement: string, signal: AbortSignal): AsyncGenerator<StatementPage> {
    let answer = await this.submit(statement, signal);
    try {
      for (;;) {
        if (answer.error !== undefined) throw failureError(answer.error);
        if (answer.columns !== undefined) yield { columns: answer.columns, rows: answer.data ?? [] };
        if (answer.nextUri === undefined) return;
        answer = await this.request("GET", this.own(answer.nextUri), { signal });
      }
    } finally {
      this.cancel(answer);
    }
  }

  /** Resolves when what is to be cancelled is. */
  async close(): Promise<void> {
    while (this.cancelling.size > 0) await Promise.all(this.cancelling);
  }

  /** The post itself is not given up: without its answer the statement could not be cancelled. */
  private async submit(statement: string, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const answer = this.request("POST", `${this.server}/v1/statement`, { body: statement, until: signal });
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([answer, aborted]);
    } catch (error) {
      this.track(
        answer.then(
          (late) => this.cancel(late),
          () => undefined,
        ),
      );
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  private cancel({ nextUri, error }: Answer): void {
    if (nextUri === undefined || error !== undefined) return;
    const signal = AbortSignal.timeout(REQUEST_MS_MAX);
    const deleted = fetch(this.own(nextUri), { method: "DELETE", headers: this.headers, signal });
    this.track(
      deleted.then(
        (response) => void response.body?.cancel(),
        // Trino gives statements up by itself that nobody asks for, and after query_max_run_time.
        () => undefined,
      ),
    );
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.cancelling.delete(tracked));
    this.cancelling.add(tracked);
  }

  /** Repeating a request is harmless: a page can be fetched again, and statements here can be run again. */
  private request(
    method: "GET" | "POST",
    url: string,
    options: { readonly body?: string; readonly signal?: AbortSignal; readonly until?: AbortSignal },
  ): Promise<Answer> {
    const stop = options.signal ?? options.until;
    const isRepeatable = (error: MillraceError): boolean => error.retry && stop?.aborted !== true;
    return retryRequest(this.retry, () => this.once(method, url, options), isRepeatable);
  }

  private async once(
    method: "GET" | "POST",
    url: string,
    { body, signal }: { readonly body?: string; readonly signal?: AbortSignal },
  ): Promise<Answer> {
    const timeout = AbortSignal.timeout(REQUEST_MS_MAX);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        headers: this.headers,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(body === undefined ? {} : { body }),
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionError(this.server, error);
    }
    if (response.ok) return parseLossless(text) as Answer;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const retryAfterMs = Number.isNaN(seconds) ? null : seconds * 1000;
    throw statusError(this.server, { status: response.status, text, retryAfterMs });
  }

  /** Addresses of pages with our server's begin: credentials go nowhere else, whatever a proxy makes of them. */
  private own(uri: string): string {
    const { pathname, search } = new URL(uri);
    return `${this.server}${pathname}${search}`;
  }
}
